import FoundationEssentials
import Testing

@testable import wharf

@Suite struct StatusReportTests {
    private let plain = Paint(isColoured: false)

    @Test func `where nothing runs it says how to change that`() {
        #expect(StatusReport.nothing.text(plain) == "Nothing runs in this folder; wharf up starts everything.")
    }

    @Test func `processes and queues are tables, the retry ladder one line until it holds something`() {
        var report = StatusReport(running: true, pid: 7, state: .ready, url: "http://127.0.0.1:8080")
        report.processes = [
            .init(name: "orders-1", role: "orders", pid: 10, uptimeSeconds: 3_725, residentBytes: 20 << 20, restarts: 2),
            .init(name: "orders-2", role: "orders", pid: 11, uptimeSeconds: nil, residentBytes: nil, restarts: 0),
        ]
        report.queues = [
            .init(name: "orders.commands", messages: 12, consumers: 2), .init(name: "retry.1s.a", messages: 0, consumers: 0),
            .init(name: "retry.1s.b", messages: 3, consumers: 0),
        ]
        report.openDeadLetters = 0
        #expect(
            report.text(plain) == """
                http://127.0.0.1:8080 ready, wharf up is process 7

                process   pid     uptime  memory  restarts
                orders-1   10  1 h 2 min  20 MiB         2
                orders-2   11      ended                  

                queue            messages  consumers
                orders.commands        12          2
                retry.1s.b              3          0
                retry ladder            3           

                Open dead letters: 0
                """)
    }

    @Test func `a folder in which nothing runs is told from one with a file left behind`() async throws {
        let folder = try TemporaryFolder()
        let state = StateFolder(path: folder.path)
        let record = RunRecord(
            pid: 1, startedAt: .now, state: .ready, httpAddress: "", url: "", sandboxURL: nil, managementURL: "", adminEmail: "")
        try state.write(record, to: StateFolder.recordFile)
        #expect(try await Status.report(of: state) == .nothing)
        let lock = try UpLock(state)
        #expect(try await Status.report(of: state).running)
        withExtendedLifetime(lock) {}
    }

    @Test func `reply queues of single processes are no queues to look at`() throws {
        let json = #"[{"name":"b","messages":2,"consumers":1},{"name":"replies.carts.x","messages":0,"consumers":1},{"name":"events.ingress.x"},{"name":"a"}]"#
        #expect(try QueueList.queues(json: Array(json.utf8)) == [
            .init(name: "a", messages: 0, consumers: 0), .init(name: "b", messages: 2, consumers: 1),
        ])
    }

    @Test func `memory is what statm tells, in pages`() {
        #expect(ProcessMemory.resident(statm: "12000 300 200 1 0 400 0\n", pageBytes: 4096) == 300 * 4096)
        #expect(ProcessMemory.resident(statm: "0 0 0 0 0 0 0\n", pageBytes: 4096) == nil)
        #expect(ProcessMemory.resident(statm: "", pageBytes: 4096) == nil)
    }
}
