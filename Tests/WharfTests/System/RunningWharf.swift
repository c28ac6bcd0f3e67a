import Assembly
import FoundationEssentials
import Glibc
import LocalServers
import Logging
import Operations
import TestKit
import Testing
import WebClient

@testable import Bench
@testable import LocalState
@testable import Up

/// The whole system as a user runs it: the real executable, `wharf-dev up`, in a folder of its own.
struct RunningWharf: Sendable {
    static let readyWithin = Duration.seconds(300)
    static let stoppedWithin = Duration.seconds(60)
    /// Kept by tests at once; more than any of them has.
    static let maximumConnections = 64

    let folder: StateFolder
    let url: String
    let sandboxURL: String
    let adminToken: String
    /// As `wharf-dev up` has them for the commands that are run beside it: the administrators' URLs included.
    let settings: Settings
    let web: WebClient
    private let process: ManagedProcess

    @TaskLocal private static var current: RunningWharf?

    /// The one of the suite.
    static func get() throws -> RunningWharf {
        try #require(current, "this test belongs into the suite System")
    }

    static var executable: String { built("wharf") }
    static var developmentExecutable: String { built("wharf-dev") }

    /// The executables that are built beside the tests.
    private static func built(_ name: String) -> String {
        let tests = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return URL(filePath: tests ?? "").deletingLastPathComponent().appending(path: name).path
    }

    /// The folder of the package.
    static func repository(file: String = #filePath) -> String {
        var folder = URL(filePath: file)
        repeat { folder.deleteLastPathComponent() } while folder.path != "/" && !FileManager.default.fileExists(atPath: folder.appending(path: "Package.swift").path)
        return folder.path
    }

    /// - Parameter environment: of `wharf-dev up`, besides the address.
    private static func start(_ environment: [String: String]) async throws -> RunningWharf {
        let path = TestServers.folder("system")
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(atPath: "\(path)/topology", withDestinationPath: "\(repository())/topology")
        let folder = StateFolder(path: "\(path)/\(StateFolder.name)")
        let address = "127.0.0.1:\(try FreePorts.next(for: path))"
        let process = ManagedProcess(
            name: "wharf-dev up",
            command: ProcessCommand(
                developmentExecutable, ["up", "--no-demo"], environment: environment.merging(["WHARF_HTTP_ADDRESS": address]) { $1 }, inheritsEnvironment: false,
                workingFolder: path),
            output: .file("\(path)/log"))
        try await process.start()
        do {
            return try await RunningWharf(process, folder)
        } catch {
            await process.stop(grace: stoppedWithin)
            let log = (try? Data(contentsOf: URL(filePath: "\(path)/log"))).map { String(decoding: $0.suffix(2_000), as: UTF8.self) }
            Issue.record("wharf-dev up did not become ready: \(error)\n\(log ?? "")")
            throw error
        }
    }

    private init(_ process: ManagedProcess, _ folder: StateFolder) async throws {
        try await eventually("wharf-dev up", within: Self.readyWithin) {
            guard await process.isRunning else { throw NotRunning() }
            return try folder.read(RunRecord.self, from: StateFolder.recordFile)?.state == .ready
        }
        let record = try #require(try folder.read(RunRecord.self, from: StateFolder.recordFile))
        let secrets = try #require(try folder.read(UpSecrets.self, from: StateFolder.secretsFile))
        let environment = try #require(try folder.read([String: String].self, from: StateFolder.environmentFile))
        self.process = process
        self.folder = folder
        url = record.url
        sandboxURL = try #require(record.sandboxURL)
        settings = try Settings(environment: environment)
        web = WebClient(maximumConcurrent: Self.maximumConnections, logger: Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() })
        let credentials = #"{"email": "\#(record.adminEmail)", "password": "\#(secrets.adminPassword)"}"#
        let response = try await web.send(
            WebRequest(
                method: "POST", url: "\(url)/v1/sessions", headers: [("content-type", "application/json")], body: Array(credentials.utf8)))
        adminToken = try #require(Answer(response)["token"]?.text)
    }

    private struct NotRunning: Error {}

    var record: RunRecord {
        get throws { try #require(try folder.read(from: StateFolder.recordFile)) }
    }

    var secrets: UpSecrets {
        get throws { try #require(try folder.read(from: StateFolder.secretsFile)) }
    }

    /// The number of restarts so far.
    var restarts: Int {
        get throws { try record.processes.reduce(0) { $0 + $1.restarts } }
    }

    /// Asks it to stop, and checks that it does, with everything that it started.
    private func stop() async throws {
        let here = URL(filePath: folder.path).deletingLastPathComponent().resolvingSymlinksInPath().path
        // A process id may belong to another process by the end.
        func isRunningHere(_ pid: Int32) -> Bool { (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/cwd")) == here }
        let children = ((try? record.processes) ?? []).filter { isRunningHere($0.pid) }
        #expect(!children.isEmpty)
        await process.send(signal: SIGTERM)
        defer { web.shutdown() }
        do {
            try await eventually("The end of wharf-dev up", within: Self.stoppedWithin) { await !process.isRunning }
        } catch {
            await process.kill()
            throw error
        }
        #expect(await process.exit == .exited(0))
        let left = children.filter { isRunningHere($0.pid) }
        #expect(left.map(\.name) == [])
    }
}

extension RunningWharf {
    /// Gives the tests of a suite one running system: started before the first, stopped after the last.
    struct ForSuite: SuiteTrait, TestScoping {
        func provideScope(
            for test: Test, testCase: Test.Case?, performing body: @concurrent @Sendable () async throws -> Void
        ) async throws {
            try await RunningWharf.running([:], body)
        }
    }

    /// Runs `body` beside a running system of its own.
    static func running(_ environment: [String: String], _ body: @concurrent @Sendable () async throws -> Void) async throws {
        let wharf = try await start(environment)
        do {
            try await $current.withValue(wharf) { try await body() }
        } catch {
            try await wharf.stop()
            throw error
        }
        try await wharf.stop()
    }
}

extension Trait where Self == RunningWharf.ForSuite {
    static var runningWharf: Self { Self() }
}

/// Black-box tests of the running system, one after another: some of them break it.
@Suite(.serialized, .runningWharf, .timeLimit(.minutes(10)))
enum System {}
