import FoundationEssentials
import Glibc
import Synchronization
import TestKit
import Testing

@testable import LocalServers

@Suite(.timeLimit(.minutes(3))) struct ManagedProcessTests {
    /// Collects lines from a process.
    final class Lines: Sendable {
        private let lines = Mutex<[String]>([])
        var all: [String] { lines.withLock { $0 } }
        func add(_ line: String) { lines.withLock { $0.append(line) } }
    }

    private func shell(_ script: String, lines: Lines = Lines()) -> ManagedProcess {
        ManagedProcess(name: "sh", command: ProcessCommand("/bin/sh", ["-c", script]), output: .lines { lines.add($0) })
    }

    @Test func `a process passes on its lines, returns how it ended, and can run again`() async throws {
        let lines = Lines()
        let process = shell("echo one; echo two >&2; exit 3", lines: lines)
        #expect(await process.exit == nil)
        for _ in 1...2 {
            try await process.start()
            #expect(await process.exit == .exited(3))
        }
        #expect(lines.all == ["one", "two", "one", "two"])
        #expect(await process.pid == nil)
    }

    @Test func `a process sees the variables, the folder and the arguments it was given`() async throws {
        let lines = Lines()
        let command = ProcessCommand(
            "/bin/sh", ["-c", "echo \"$WHARF_TEST $PWD $1\"", "sh", "a 'b' $c"],
            environment: ["WHARF_TEST": "here"], inheritsEnvironment: false, workingFolder: "/usr")
        let process = ManagedProcess(name: "sh", command: command, output: .lines { lines.add($0) })
        try await process.start()
        #expect(await process.exit == .exited(0))
        #expect(lines.all == ["here /usr a 'b' $c"])
    }

    @Test func `a program that does not exist is an error at the start`() async throws {
        let process = ManagedProcess(name: "none", command: ProcessCommand("/none"), output: .file("/dev/null"))
        let error = await #expect(throws: ProcessError.self) { try await process.start() }
        #expect(error?.code == .missing)
    }

    @Test func `a second start is refused while the process runs`() async throws {
        let process = shell("exec sleep 100")
        try await process.start()
        let error = await #expect(throws: ProcessError.self) { try await process.start() }
        #expect(error?.code == .running)
        #expect(await process.stop() == .signalled(SIGTERM))
    }

    @Test func `a process leads its own session`() async throws {
        let lines = Lines()
        let process = shell("read -r id name state parent group session rest < /proc/$$/stat; echo $id $session", lines: lines)
        try await process.start()
        try await eventually { lines.all.count == 1 }
        let ids = lines.all.first?.split(separator: " ") ?? []
        #expect(ids.count == 2 && ids.first == ids.last)
    }

    @Test func `a process that ignores SIGTERM is killed after its grace period`() async throws {
        let lines = Lines()
        let process = shell("trap '' TERM; echo deaf; while :; do sleep 100; done", lines: lines)
        try await process.start()
        try await eventually { lines.all == ["deaf"] }
        #expect(await process.stop(grace: .milliseconds(50)) == .signalled(SIGKILL))
    }

    @Test func `a cancelled caller cannot lose a process, nor shorten its grace period`() async throws {
        let lines = Lines()
        let process = shell("trap 'sleep 0.1; echo done; exit 5' TERM; echo ready; while :; do sleep 0.01; done", lines: lines)
        let caller = Task {
            try await process.start()
            try await eventually { lines.all == ["ready"] }
            unsafe withUnsafeCurrentTask { unsafe $0?.cancel() }
            return await process.stop()
        }
        #expect(try await caller.value == .exited(5))
        #expect(lines.all == ["ready", "done"])

        let early = Task {
            unsafe withUnsafeCurrentTask { unsafe $0?.cancel() }
            try await process.start()
        }
        try await early.value
        #expect(await process.pid != nil)
        await process.kill()
        #expect(await process.lastExit == .signalled(SIGKILL))
    }

    @Test func `processes below it end with it, in whatever session they are`() async throws {
        let lines = Lines()
        let process = shell("setsid sh -c 'echo $$; exec >/dev/null 2>&1 sleep 100' & wait", lines: lines)
        try await process.start()
        try await eventually { lines.all.count == 1 }
        let grandchild = try #require(Int32(lines.all[0]))
        #expect(ProcessStatus(id: grandchild) != nil)
        await process.kill()
        #expect(ProcessStatus(id: grandchild)?.isZombie ?? true)
    }

    @Test func `children end when their parent is killed, servers and their helpers too`() async throws {
        let folder = TestServers.folder("orphans")
        let list = folder + ".processes"
        await #expect(processExitsWith: .signal(SIGKILL)) { [folder = folder as String, list = list as String] in
            let postgres = try PostgresServer(folder: folder + "/postgres", durable: false)
            let redis = try RedisServer(folder: folder + "/redis")
            let shell = ManagedProcess(name: "sh", command: ProcessCommand("/bin/sleep", ["100"]), output: .file("/dev/null"))
            try await postgres.start()
            try await redis.start()
            try await shell.start()
            try writeProcesses(ProcessTree.descendants(of: getpid()), to: list)
            kill(getpid(), SIGKILL)
        }
        let orphans = try readProcesses(list)
        #expect(orphans.count >= 8)
        try await eventually("The end of \(orphans)") { !orphans.hasLiving }
    }

    @Test func `shared servers and their folder are gone when a test process ends`() async throws {
        let list = TestServers.folder("ended") + ".processes"
        let folders = TestServers.folder("ended") + ".folders"
        await #expect(processExitsWith: .exitCode(7)) { [list = list as String, folders = folders as String] in
            _ = try await TestServers.postgres()
            _ = try await TestServers.redis()
            try writeProcesses(ProcessTree.descendants(of: getpid()), to: list)
            try write(TestServers.folder("any"), to: folders)
            exit(7)
        }
        // Killed, and waited for; a busy machine may take longer to remove them than a process's end may take.
        let servers = try readProcesses(list)
        try await eventually("The end of \(servers)") { !servers.hasLiving }
        let folder = try read(folders)
        let root = String(folder.prefix(upTo: try #require(folder.lastIndex(of: "/"))))
        #expect(!FileManager.default.fileExists(atPath: root))
    }

    @Test func `a program's name cannot confuse the reading of its status`() throws {
        let fields = (3...22).map { $0 == 4 ? "42" : "\($0)" }.joined(separator: " ")
        let status = try #require(ProcessStatus(stat: "7 (a ) (b) " + fields))
        #expect(status.parent == 42)
        #expect(status.startTime == 22)
        #expect(ProcessStatus(stat: "7 (cut") == nil)
    }
}
