import FoundationEssentials
import Glibc
import LocalServers
import TestKit
import Testing

@testable import LocalState
@testable import wharf

/// Every command, run as an operator runs it during an outage: whatever is down, it ends with a documented status, and states why in words for people.
@Suite(.timeLimit(.minutes(5))) struct CommandTests {
    /// 1: it did not work, or nothing runs; 2: something could not be read; 64: the command line is wrong; 78: a setting is.
    private static let documented: Set<Int32> = [0, 1, 2, 64, 78]
    /// Parts of the messages that Swift and Foundation print for programmers.
    private static let internals = ["Error Domain", "NSCocoa", "NSPOSIX", "Optional(", "Fatal error", "Error(", "(code:", "Swift.", "rawValue", "Crash"]
    private static let password = "p-secret"
    private static let id = "7c9e6679-7425-40de-944b-e07fc1f90ae7"

    private static let commands: [[String]] = [
        ["dead-letters"], ["dead-letters", "list", "--cause", "a", "--queue", "b"], ["dead-letters", "show", id], ["dead-letters", "replay", id, id],
        ["dead-letters", "discard", id, id], ["dead-letters", "restore", id, id], ["dead-letters", "groups"], ["dead-letters", "diff", id],
        ["dead-letters", "edit", id, "--set", "a=1", "--yes"], ["dead-letters", "replay", "--cause", "a", "--dry-run"], ["dead-letters", "jobs"],
        ["dead-letters", "export"], ["dead-letters", "import", "/dev/null"], ["dead-letters", "import", "no/such/file"], ["dead-letters", "stats"], ["dead-letters", "audit"],
        ["dead-letters", "waiting"], ["dead-letters", "waiting", "--messages"], ["dead-letters", "waiting", "--service", "a", "--now", "--dry-run"],
        ["checkouts"], ["checkouts", "list", "--stuck", "--older-than", "15m"], ["checkouts", "show", id], ["checkouts", "retry", id, "--yes"], ["audit"],
        ["audit", "--json", "--since", "2026-01-01T00:00:00Z"], ["status"],
        ["status", "--json"], ["health"], ["settings"], ["topology", "check"], ["topology", "apply"], ["migrate"],
        ["inbox", "republish", "--since", "2026-01-01T00:00:00Z", "--service", "orders", "--service", "carts"], ["administrator", "ada@example.com"],
        ["imports"], ["imports", "start", "/dev/null", "--kind", "stock"], ["imports", "start", "no/such/file"], ["imports", "watch", id], ["imports", "rejected", id],
        ["payments"], ["payments", "settle", id, "--by-hand", "--as", "written-off", "--note", "a note"], ["payments", "reconcile", "--since", "2026-01-01T00:00:00Z"],
    ]

    /// Where nothing listens.
    private static let away = [
        "WHARF_AMQP_URL": "amqp://wharf:\(password)@127.0.0.1:1/", "WHARF_POSTGRES_URL": "postgres://wharf:\(password)@127.0.0.1:1/wharf",
        "WHARF_REDIS_URL": "redis://:\(password)@127.0.0.1:1", "WHARF_RABBITMQ_MANAGEMENT_URL": "http://wharf:\(password)@127.0.0.1:1",
        "WHARF_ADMIN_ADDRESS": "127.0.0.1:1", "PATH": "/usr/bin:/bin:/usr/sbin:/sbin",
    ]

    private func project(mode: Int = 0o755) throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        try FileManager.default.createSymbolicLink(
            atPath: "\(folder.path)/topology", withDestinationPath: "\(RunningWharf.repository())/topology")
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: folder.path)
        return folder
    }

    /// - Parameter shell: runs `"$@"`, the command.
    private func run(
        _ command: [String], in folder: String, _ shell: String = #"exec "$@" <<< a-long-password"#, environment: [String: String] = Self.away, with executable: String = RunningWharf.executable
    ) async throws -> (
        exit: ManagedProcess.ExitStatus?, output: String
    ) {
        let log = "\(FileManager.default.temporaryDirectory.path)/wharf-command-\(UUID())"
        defer { try? FileManager.default.removeItem(atPath: log) }
        let process = ManagedProcess(
            name: "wharf",
            command: ProcessCommand(
                "/bin/bash", ["-c", shell, "bash", executable] + command, environment: environment,
                inheritsEnvironment: false, workingFolder: folder),
            output: .file(log))
        try await process.start()
        let exit = await process.exit
        return (exit, FileManager.default.contents(atPath: log).map { String(decoding: $0, as: UTF8.self) } ?? "")
    }

    private func check(_ ending: (exit: ManagedProcess.ExitStatus?, output: String), _ command: [String], isHeard: Bool = true) {
        guard case .exited(let status)? = ending.exit, Self.documented.contains(status) else {
            Issue.record("\(command) ended with \(String(describing: ending.exit)): \(ending.output)")
            return
        }
        for internals in Self.internals { #expect(!ending.output.contains(internals), "\(command): \(ending.output)") }
        #expect(!ending.output.contains(Self.password), "\(command) shows a password")
        if status != 0, isHeard { #expect(!ending.output.isEmpty, "\(command) says nothing") }
    }

    @Test(arguments: commands) func `with all servers down each command says so`(command: [String]) async throws {
        let folder = try project()
        let ending = try await run(command, in: folder.path)
        check(ending, command)
        if !["settings", "status"].contains(command[0]) { #expect(ending.exit != .exited(0), "\(ending.output)") }
    }

    @Test(arguments: commands) func `a closed pipe ends no command by a signal`(command: [String]) async throws {
        let folder = try project()
        check(try await run(command, in: folder.path, #"sleep 0 | "$@" | true; exit "${PIPESTATUS[1]}""#), command, isHeard: false)
    }

    @Test(arguments: [["settings"], ["status"], ["--help"], ["no-such-command"]]) func `a command ends without running the libraries' destructors`(command: [String]) async throws {
        let folder = try project()
        for executable in [RunningWharf.executable, RunningWharf.developmentExecutable] {
            let ending = try await run(
                command, in: folder.path, #"export LD_DEBUG=files LD_DEBUG_OUTPUT="$PWD/linker"; exec "$@""#, with: executable)
            check(ending, command)
            let outputs = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasPrefix("linker.") }
            let linker = try outputs.map { try String(contentsOfFile: "\(folder.path)/\($0)", encoding: .utf8) }.joined()
            #expect(linker.contains("calling init:"))
            #expect(!linker.contains("calling fini:"), "\(command)")
        }
    }

    @Test(arguments: commands) func `in the folder of another account's shop each command says so`(command: [String]) async throws {
        guard geteuid() == 0, FileManager.default.isExecutableFile(atPath: "/usr/bin/setpriv") else { return }
        let folder = try project()
        let state = StateFolder(path: "\(folder.path)/\(StateFolder.name)")
        try state.create(isRoot: false)
        try state.write(["WHARF_AMQP_URL": "amqp://wharf:\(Self.password)@127.0.0.1:1/"], to: StateFolder.environmentFile)
        let lock = try UpLock(state)
        let ending = try await run(
            command, in: folder.path, #"exec setpriv --reuid=65534 --regid=65534 --clear-groups "$@""#, environment: ["PATH": "/usr/bin:/bin"])
        withExtendedLifetime(lock) {}
        // Where the tests are built, other accounts may have no access.
        if ending.output.contains("setpriv: failed to execute") { return }
        check(ending, command)
    }

    @Test func `wharf up outside of the project names the missing files, and leaves nothing behind`() async throws {
        let folder = try TemporaryFolder()
        let ending = try await run(["up"], in: folder.path, with: RunningWharf.developmentExecutable)
        #expect(ending.exit == .exited(1))
        #expect(ending.output.contains("topology/definitions.json and topology/openapi.yaml cannot be read") && ending.output.contains("project's folder"))
        #expect(!FileManager.default.fileExists(atPath: "\(folder.path)/\(StateFolder.name)"))
    }

    @Test(arguments: [["ingress"], ["topology", "check"], ["topology", "apply"], ["audit"]])
    func `outside of the project a command says which file is missing`(command: [String]) async throws {
        let folder = try TemporaryFolder()
        let ending = try await run(command, in: folder.path)
        check(ending, command)
        #expect(ending.exit != .exited(0))
        #expect(ending.output.contains("cannot be read") && ending.output.contains("project's folder"), "\(ending.output)")
        #expect(!ending.output.contains("Usage:"), "\(ending.output)")
    }

    @Test(arguments: [
        ("WHARF_HTTP_ADDRESS", "banana.invalid:80", "no host has the name banana.invalid"),
        ("WHARF_HTTP_ADDRESS", "192.0.2.1:8080", "it is no address of this machine"),
        ("STRIPE_API_KEY", "pk_x", "cannot charge"),
        ("WHARF_MAIL_URL", "file:/dev/null/mail", "cannot be made"),
    ])
    func `wharf up refuses a setting that cannot be used before it starts anything`(name: String, value: String, reason: String) async throws {
        let folder = try project()
        let ending = try await run(["up"], in: folder.path, environment: ["PATH": "/usr/bin:/bin", name: value], with: RunningWharf.developmentExecutable)
        check(ending, ["up"])
        #expect(ending.exit == .exited(78), "\(ending.output)")
        #expect(ending.output.contains(name) && ending.output.contains(reason), "\(ending.output)")
        #expect(!ending.output.contains("RabbitMQ"), "\(ending.output)")
    }

    @Test func `wharf up in a folder that cannot be written says so`() async throws {
        guard geteuid() == 0, FileManager.default.isExecutableFile(atPath: "/usr/bin/setpriv") else { return }
        let folder = try project()
        let ending = try await run(
            ["up"], in: folder.path, #"exec setpriv --reuid=65534 --regid=65534 --clear-groups "$@""#, environment: ["PATH": "/usr/bin:/bin"],
            with: RunningWharf.developmentExecutable)
        if ending.output.contains("setpriv: failed to execute") { return }
        check(ending, ["up"])
        #expect(ending.output.contains("permission denied"), "\(ending.output)")
    }

    @Test func `a worker whose mail folder cannot be written ends, and names the setting`() async throws {
        guard geteuid() == 0, FileManager.default.isExecutableFile(atPath: "/usr/bin/setpriv") else { return }
        let folder = try project()
        for name in ["tmp", "new", "cur"] { try FileManager.default.createDirectory(atPath: "\(folder.path)/mail/\(name)", withIntermediateDirectories: true) }
        let environment = Self.away.merging(["WHARF_MAIL_URL": "file:\(folder.path)/mail"]) { $1 }
        let ending = try await run(
            ["worker", "notifications"], in: folder.path, #"exec setpriv --reuid=65534 --regid=65534 --clear-groups "$@""#, environment: environment)
        if ending.output.contains("setpriv: failed to execute") { return }
        #expect(ending.exit == .exited(78))
        #expect(ending.output.contains("WHARF_MAIL_URL") && ending.output.contains("cannot be written"), "\(ending.output)")
    }
}
