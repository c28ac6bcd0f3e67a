import FoundationEssentials
import Glibc
import Testing

@testable import LocalState
@testable import Terminal
@testable import wharf

@Suite struct StatusReportTests {
    private let plain = Paint(isColoured: false)

    @Test func `where nothing runs it says how to start a shop`() {
        #expect(StatusReport.nothing.text(plain) == "Nothing runs in this folder; wharf-dev up starts everything.")
    }

    @Test func `processes and queues are tables, the retry ladder one line until it holds messages`() {
        var report = StatusReport(running: true, pid: 7, state: .ready, url: "http://127.0.0.1:8080")
        report.processes = [
            .init(name: "orders-1", role: "orders", pid: 10, health: .init(.ready, port: 4100), uptimeSeconds: 3_725, residentBytes: 20 << 20, restarts: 2),
            .init(name: "orders-2", role: "orders", pid: 11, health: .init(.ended), uptimeSeconds: nil, residentBytes: nil, restarts: 0),
        ]
        report.queues = [
            .init(name: "orders.commands", messages: 12, consumers: 2), .init(name: "retry.1s.a", messages: 0, consumers: 0),
            .init(name: "retry.1s.b", messages: 3, consumers: 0),
        ]
        report.openDeadLetters = 0
        #expect(
            report.text(plain) == """
                http://127.0.0.1:8080 degraded, wharf-dev up is process 7

                process   health  admin port  pid     uptime  memory  restarts
                orders-1   ready        4100   10  1 h 2 min  20 MiB         2
                orders-2   ended               11      ended                  

                queue            messages  consumers
                orders.commands        12          2
                retry.1s.b              3          0
                retry ladder            3           

                Open dead letters: 0

                orders-2 is ended
                """)
    }

    @Test func `a shop is healthy only when every process is ready and lacks nothing, and everything could be checked`() {
        func report(_ health: StatusReport.Health, trouble: String? = nil, state: RunRecord.State = .ready) -> StatusReport {
            var report = StatusReport(running: true, pid: 7, state: state, url: "")
            report.processes = [.init(name: "a-1", role: "a", pid: 1, health: health, uptimeSeconds: 1, residentBytes: 1, restarts: 0)]
            report.troubles = trouble.map { [$0] }
            return report
        }
        #expect(report(.init(.ready)).isWell)
        #expect(report(.init(.running)).isWell)
        let waiting = report(.init(.ready, "customers: 3 notifications by email wait"))
        #expect(!waiting.isWell && waiting.text(plain).contains(" degraded, "), "customers wait")
        for state: StatusReport.Health.State in [.notReady, .silent, .stopped, .ended, .unknown] { #expect(!report(.init(state)).isWell) }
        #expect(!report(.init(.ready), trouble: "The queues cannot be shown").isWell)
        #expect(!report(.init(.ready), state: .starting).isWell)
        let text = report(.init(.notReady, "broker: not connected")).text(plain)
        #expect(text.hasSuffix("a-1 is not ready: broker: not connected"))
    }

    @Test func `a figure that the broker does not report is unknown, not zero`() throws {
        var report = StatusReport(running: true, pid: 7, state: .ready, url: "")
        report.queues = try QueueList.queues(json: Array(#"[{"name":"orders.commands"},{"name":"retry.1s.a"}]"#.utf8))
        let lines = report.text(plain).split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }
        #expect(lines.contains("orders.commands ? ?"))
        #expect(lines.contains("retry ladder ?"))
    }

    @Test func `a process's state is the letter after its name, whatever the name contains`() {
        #expect(ProcessView.state(stat: "12 (a) T (b)) S 1 2") == .running)
        #expect(ProcessView.state(stat: "12 (wharf) T 1 2") == .stopped)
        #expect(ProcessView.state(stat: "12 (wharf) Z 1 2") == .ended)
        #expect(ProcessView.state(stat: "") == .ended)
        #expect(ProcessView(pid: getpid()).state == .running)
    }

    @Test func `a table of sockets is read to its end, however large`() throws {
        // More than the kernel hands out at once.
        let sockets = (0..<200).map { _ in socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0) }
        defer { for socket in sockets { close(socket) } }
        var ports: Set<Int> = []
        for socket in sockets {
            #expect(listen(socket, 1) == 0)
            var address = sockaddr_in()
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            unsafe withUnsafeMutablePointer(to: &address) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = unsafe getsockname(socket, $0, &length) }
            }
            ports.insert(Int(UInt16(bigEndian: address.sin_port)))
        }
        #expect(ProcessView(pid: getpid()).listeningPorts.isSuperset(of: ports))
    }

    @Test func `ports are those of the process's own sockets that listen`() {
        let table = """
              sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
               0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 101 1 0
               1: 0100007F:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 102 1 0
               2: 0100007F:1F92 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 103 1 0
            """
        #expect(ProcessView.listeningPorts(table: table, sockets: ["101", "103"]) == [8080])
        #expect(ProcessView.listeningPorts(table: "", sockets: ["101"]) == [])
    }

    @Test func `a folder in which nothing runs is distinguished from one with a file left behind`() async throws {
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

    @Test func `reply queues of single processes are not listed`() throws {
        let json = #"[{"name":"b","messages":2,"consumers":1},{"name":"replies.carts.x","messages":0,"consumers":1},{"name":"events.ingress.x"},{"name":"a"}]"#
        #expect(
            try QueueList.queues(json: Array(json.utf8)) == [
                .init(name: "a", messages: nil, consumers: nil), .init(name: "b", messages: 2, consumers: 1),
            ])
    }

    @Test func `a queue that the broker lacks is shown as missing`() throws {
        let found: [StatusReport.Queue] = [.init(name: "users.queries", messages: 3, consumers: 1)]
        let queues = QueueList.queues(found, of: ["users.commands", "users.queries", "retry.1s.a"])
        #expect(queues.map(\.isMissing) == [true, true, nil])
        var report = StatusReport(running: true, pid: 7, state: .ready, url: "")
        report.queues = queues
        let lines = report.text(plain).split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        #expect(lines.contains(["users.commands", "missing"]) && lines.contains(["retry.1s.a", "missing"]) && lines.contains(["users.queries", "3", "1"]))
    }

    @Test func `queues of the topology without a consumer are named`() {
        let queues: [StatusReport.Queue] = [
            .init(name: "carts.queries", messages: 0, consumers: 0), .init(name: "carts.commands", messages: 0, consumers: 2),
            .init(name: "retry.1s.a", messages: 0, consumers: 0), .init(name: "users.queries", messages: 0, consumers: nil),
            .init(name: "somebody.elses", messages: 0, consumers: 0),
        ]
        let topology = queues.map(\.name).filter { $0 != "somebody.elses" }
        #expect(QueueList.unconsumed(queues, of: topology) == ["No consumer on carts.queries: messages wait there."])
        #expect(QueueList.unconsumed([], of: topology) == [])
    }

    @Test func `memory is read from statm, in pages`() {
        #expect(ProcessView.resident(statm: "12000 300 200 1 0 400 0\n", pageBytes: 4096) == 300 * 4096)
        #expect(ProcessView.resident(statm: "0 0 0 0 0 0 0\n", pageBytes: 4096) == nil)
        #expect(ProcessView.resident(statm: "", pageBytes: 4096) == nil)
    }
}
