import FoundationEssentials
import Glibc
import LocalServers
import Synchronization
import Testing
import WebClient

@testable import LocalState
@testable import Terminal
@testable import Up

@Suite(.timeLimit(.minutes(1))) struct ProcessSupervisorTests {
    private let folder: TemporaryFolder
    private let recorder: RunRecorder
    private let lines = AsyncStream<String>.makeStream()

    init() throws {
        folder = try TemporaryFolder()
        let record = RunRecord(
            pid: getpid(), startedAt: .now, state: .starting, httpAddress: "", url: "", sandboxURL: nil, managementURL: "", adminEmail: "")
        recorder = try RunRecorder(folder: StateFolder(path: folder.path), record: record) { _ in }
    }

    private func supervisor(_ script: String) -> ProcessSupervisor {
        let log = LogFile(path: "\(folder.path)/log")
        let process = ManagedProcess(name: "child", command: ProcessCommand("/bin/sh", ["-c", script]), output: .file(log.path))
        return ProcessSupervisor(
            name: "child", role: "test", process: process, log: log, start: { try await process.start() },
            stop: { await process.stop() })
    }

    private func console() -> Console {
        Console(terminal: Terminal(isLive: false, isColoured: false)) { [lines] in lines.continuation.yield($0) }
    }

    /// The first lines that report trouble. On a busy machine a slow start is reported too.
    private func troubles(_ count: Int) async -> [String] {
        var said: [String] = []
        for await line in lines.stream where !line.contains("runs again") {
            said.append(line)
            if said.count == count { break }
        }
        return said
    }

    @Test func `a start reports once which process it waits for and why, and gives up in time`() async throws {
        let looks = Atomic(0)
        var late = supervisor("exit 0")
        late.health = { looks.wrappingAdd(1, ordering: .relaxed).newValue < 4 ? .init(.notReady, "broker: not connected") : .init(.ready) }
        let said = Mutex<[String]>([])
        try await StartupProbe(silence: .zero, limit: .seconds(30), startGuard: StartGuard()).wait(for: [late]) { line in said.withLock { $0.append(line) } }
        #expect(said.withLock { $0 } == ["child is not ready: broker: not connected; waiting, at most 30.0 s in all"])
        var never = supervisor("exit 0")
        never.health = { .init(.notReady, "broker: not connected") }
        let error = await #expect(throws: UpError.self) {
            try await StartupProbe(silence: .zero, limit: .milliseconds(200), startGuard: StartGuard()).wait(for: [never]) { _ in }
        }
        #expect(error?.message.contains("child is not ready: broker: not connected; gave up after") == true)
    }

    @Test func `a child that ends is restarted, and this is reported with its last line`() async throws {
        let supervisor = supervisor("echo cause; exit 3")
        try await supervisor.begin(recorder)
        let console = console()
        await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await supervisor.keep(recorder, startGuard: StartGuard(), console: console) }
            let said = await troubles(2)
            group.cancelAll()
            await supervisor.stop()
            #expect(said[0].contains("child ended with status 3, starts again in 0.1 s: cause"))
            #expect(said[1].contains("starts again in 0.2 s"))
        }
        let record: RunRecord? = try StateFolder(path: folder.path).read(from: StateFolder.recordFile)
        #expect((record?.processes.first?.restarts ?? 0) >= 1)
    }

    @Test func `a child that had been ready is restarted without a growing pause`() async throws {
        let log = LogFile(path: "\(folder.path)/log")
        // The child ends once it was seen to be ready, however long that takes.
        let seen = "\(folder.path)/seen"
        let script = "until [ -e \(seen) ]; do sleep 0.05; done; rm \(seen); exit 4"
        let process = ManagedProcess(name: "child", command: ProcessCommand("/bin/sh", ["-c", script]), output: .file(log.path))
        let supervisor = ProcessSupervisor(
            name: "child", role: "test", process: process, log: log, start: { try await process.start() }, stop: { await process.stop() },
            isReady: { _ in FileManager.default.createFile(atPath: seen, contents: nil) })
        try await supervisor.begin(recorder)
        let console = console()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await supervisor.keep(recorder, startGuard: StartGuard(), console: console) }
            let said = await troubles(4)
            group.cancelAll()
            await supervisor.stop()
            #expect(said.allSatisfy { $0.contains("starts again in 0.1 s") }, "\(said)")
        }
    }

    @Test func `after cancellation nothing is restarted`() async throws {
        let supervisor = supervisor("exec tail -f /dev/null")
        try await supervisor.begin(recorder)
        let console = console()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await supervisor.keep(recorder, startGuard: StartGuard(), console: console) }
            group.cancelAll()
            await supervisor.stop()
        }
        #expect(await supervisor.process.pid == nil)
        lines.continuation.finish()
        #expect(await lines.stream.first { _ in true } == nil)
    }

    @Test func `a process that cannot be started is retried`() async throws {
        let log = LogFile(path: "\(folder.path)/log")
        let process = ManagedProcess(name: "child", command: ProcessCommand("/bin/true"), output: .file(log.path))
        let failures = Mutex(1)
        let supervisor = ProcessSupervisor(
            name: "child", role: "test", process: process, log: log,
            start: {
                if failures.withLock({
                    $0 -= 1; return $0 == -1
                }) {
                    throw LocalServerError(.start, "not now")
                }
                try await process.start()
            }, stop: { await process.stop() })
        try await supervisor.begin(recorder)
        let console = console()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await supervisor.keep(recorder, startGuard: StartGuard(), console: console) }
            let said = await troubles(3)
            group.cancelAll()
            await supervisor.stop()
            #expect(said[1].contains("could not be started (not now)"))
            #expect(said[2].contains("ended with status 0"))
        }
    }
}

@Suite struct ReadinessProbeTests {
    private final class Server: HTTPTransport {
        private let statuses: Mutex<[Int]>
        init(_ statuses: [Int]) { self.statuses = Mutex(statuses) }

        func send(_ request: WebRequest) async throws -> WebResponse {
            let status = statuses.withLock { $0.isEmpty ? 200 : $0.removeFirst() }
            if status == 0 { throw WebClientError(code: .couldNotConnect, message: "refused") }
            return WebResponse(status: status)
        }
    }

    @Test func `it waits until every URL is answered with success`() async throws {
        let server = Server([0, 503, 200, 504])
        try await ReadinessProbe(transport: server, startGuard: StartGuard()).wait(for: ["http://a", "http://b"])
    }

    @Test func `the answer of another program does not count`() async throws {
        let asked = Mutex(0)
        try await ReadinessProbe(transport: Server([200, 200]), startGuard: StartGuard()).wait(for: ["http://a"]) {
            asked.withLock {
                $0 += 1; return $0 > 3
            }
        }
        #expect(asked.withLock { $0 } == 4)
    }

    @Test func `it gives up with the start`() async {
        let startGuard = StartGuard()
        for _ in 1...3 { startGuard.ended("ingress-1", "ended with status 78", log: LogFile(path: "/nowhere")) }
        let probe = ReadinessProbe(transport: Server(Array(repeating: 0, count: 1_000)), startGuard: startGuard)
        let error = await #expect(throws: UpError.self) { try await probe.wait(for: ["http://a"]) }
        #expect(error?.message.contains("ingress-1") == true)
    }
}
