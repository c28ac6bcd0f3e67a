import Foundation
import Operations
import TestKit
import Testing

@testable import LocalServers

@Suite(.timeLimit(.minutes(1))) struct CommandRunnerTests {
    private func shell(_ script: String, limit: Duration = .seconds(30), patience: Duration = .zero) -> CommandRunner {
        CommandRunner(name: "the command", command: ProcessCommand("/bin/sh", ["-c", script], inheritsEnvironment: false), limit: limit, patience: patience, clock: SystemClock())
    }

    /// More than a pipe holds.
    private static let long = String(repeating: "0123456789abcdef", count: 4_096)

    @Test(arguments: ["{\"cause\": \"$(id) `id` \\\\ 'x'\"}", "END", "one\nEND\ntwo", "", long])
    func `a command reads its input unchanged, however long, and then a line break`(input: String) async throws {
        let result = try await shell("wc -c; exit 3").run(input: input)
        #expect(result.status == .exited(3) && !result.isSuccess && !result.isKilled)
        #expect(result.output.filter(\.isNumber) == "\(input.utf8.count + 1)")
        guard input.utf8.count < CommandRunner.maximumOutput else { return }
        let read = try await shell("cat").run(input: input)
        #expect(read.isSuccess && read.output == input)
    }

    /// If this process wrote the input, it would be killed by SIGPIPE, which it does not handle.
    @Test(arguments: ["exit 0", "exec <&-; exit 0", "head -c 1 >/dev/null"]) func `a command that does not read its input ends normally`(script: String) async throws {
        for _ in 0..<5 { #expect(try await shell(script).run(input: Self.long).status == .exited(0)) }
    }

    @Test func `a command that hangs is killed at the limit, with all processes that it has started`() async throws {
        let result = try await shell("echo began; sleep 1000 & echo $!; wait", limit: .milliseconds(300)).run(input: "x")
        #expect(result.isKilled && !result.isSuccess)
        let lines = result.output.split(separator: "\n")
        let below = try #require(lines.last.flatMap { Int32($0) })
        #expect(lines.first == "began" && ProcessStatus(id: below)?.isZombie ?? true)
    }

    @Test func `a command has ended even if it leaves a process behind that keeps its output open`() async throws {
        let clock = ContinuousClock()
        let start = clock.now
        let result = try await shell("setsid sleep 5 & echo done").run(input: "x")
        #expect(result.isSuccess && result.output == "done" && clock.now - start < .seconds(4))
    }

    @Test func `a program that does not exist is an error, and does not count as running`() async throws {
        let runner = CommandRunner(name: "the command", command: ProcessCommand("/none"), limit: .seconds(1), clock: SystemClock())
        for _ in 0..<2 {
            let error = await #expect(throws: ProcessError.self) { try await runner.run(input: "x") }
            #expect(error?.code == .missing)
        }
    }

    @Test func `it runs once at a time`() async throws {
        let folder = TestServers.folder("command")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let runner = shell("touch \(folder)/began; until [ -e \(folder)/go ]; do sleep 0.01; done")
        async let first = runner.run(input: "x")
        try await eventually { FileManager.default.fileExists(atPath: "\(folder)/began") }
        let error = await #expect(throws: ProcessError.self) { try await runner.run(input: "x") }
        #expect(error?.code == .running)
        try write("", to: "\(folder)/go")
        #expect(try await first.isSuccess)
        #expect(try await runner.run(input: "x").isSuccess)
    }

    @Test func `a run waits for earlier ones, and all run one after another in the order in which they were requested`() async throws {
        let folder = TestServers.folder("commands")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        // A run that starts before the previous one has ended fails, because the folder exists.
        let runner = shell("mkdir \(folder)/busy && cat >>\(folder)/order && until [ -e \(folder)/go ]; do sleep 0.01; done; rmdir \(folder)/busy", patience: .seconds(30))
        func order() -> String? { try? String(contentsOfFile: "\(folder)/order", encoding: .utf8) }
        try await withThrowingTaskGroup(of: Bool.self) { runs in
            runs.addTask { try await runner.run(input: "1").isSuccess }
            try await eventually { order() == "1\n" }
            for number in 2...4 {
                runs.addTask { try await runner.run(input: "\(number)").isSuccess }
                try await eventually { runner.unfinished == number }
            }
            try write("", to: "\(folder)/go")
            for try await isSuccess in runs { #expect(isSuccess) }
        }
        #expect(order() == "1\n2\n3\n4\n" && runner.unfinished == 0)
    }

    @Test func `a run that is cancelled while it waits gives up its place`() async throws {
        let folder = TestServers.folder("command")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let runner = shell("touch \(folder)/began; until [ -e \(folder)/go ]; do sleep 0.01; done", patience: .seconds(30))
        async let first = runner.run(input: "x")
        try await eventually { FileManager.default.fileExists(atPath: "\(folder)/began") }
        let second = Task { try await runner.run(input: "x") }
        try await eventually { runner.unfinished == 2 }
        second.cancel()
        await #expect(throws: CancellationError.self) { try await second.value }
        async let third = runner.run(input: "x")
        try await eventually { runner.unfinished == 2 }
        try write("", to: "\(folder)/go")
        #expect(try await first.isSuccess)
        #expect(try await third.isSuccess)
    }

    @Test func `the last lines of its output are kept`() async throws {
        let result = try await shell("seq 100000; echo error >&2; exit 1").run(input: "x")
        #expect(result.output.hasSuffix("\n100000\nerror") && result.output.utf8.count <= CommandRunner.maximumOutput)
        #expect(try await shell("head -c 100000 /dev/zero | tr '\\0' x").run(input: "x").output.utf8.count == CommandRunner.maximumOutput)
    }

    @Test func `it inherits nothing from this process's environment`() async throws {
        let result = try await shell("env").run(input: "secret")
        let names = Set(result.output.split(separator: "\n").compactMap { $0.split(separator: "=").first.map(String.init) })
        #expect(names.isSubset(of: ["PATH", "LC_ALL", "PWD", "SHLVL", "_", "OLDPWD"]), "\(names)")
    }
}
