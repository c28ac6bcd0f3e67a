import FoundationEssentials
import Glibc
import Messaging
import Processes
import Synchronization
import TestKit
import Testing
import WebClient

@testable import Assembly
@testable import Bench
@testable import LocalServers
@testable import LocalState
@testable import Topology
@testable import wharf

extension System {
    /// Each server is taken away from all roles: those that need it report it, and what is wrong.
    @Suite struct `Readiness` {
        /// A frozen server is detected by a check's own limit, a stopped one by its connections.
        private static let reportLimit = Duration.seconds(20)

        @Test func `with PostgreSQL frozen no worker is ready, and each names the database`() async throws {
            let wharf = try RunningWharf.get()
            let postgres = try #require(try wharf.record.processes.first { $0.role == "postgresql" }).pid
            ProcessTree.freeze(postgres)
            do {
                try await wharf.eventually("Every worker names it", within: Self.reportLimit) { role, health in
                    switch ServiceName(rawValue: role) {
                    case nil: health.state == .ready
                    default: health.state == .notReady && health.detail?.contains("database: ") == true
                    }
                }
            } catch {
                ProcessTree.thaw(postgres)
                throw error
            }
            ProcessTree.thaw(postgres)
            try await wharf.isReadyAgain()
        }

        @Test func `with RabbitMQ stopped no role is ready, and the ingress reports it at its own port, too`() async throws {
            let wharf = try RunningWharf.get()
            let guest = try Visitor.guest()
            try await wharf.control("stop_app")
            do {
                try await wharf.eventually("Every role names it", within: Self.reportLimit) { role, health in
                    role == "sandbox" || health.state == .notReady && health.detail?.contains("broker: not connected") == true
                }
                let answer = try await guest.get("/readyz")
                #expect(answer.status == 503 && answer.header("retry-after") != nil)
            } catch {
                try await wharf.control("start_app")
                throw error
            }
            try await wharf.control("start_app")
            try await wharf.isReadyAgain()
            try await TestKit.eventually("The ingress at its own door") { try await guest.get("/readyz").status == 200 }
        }

        @Test func `a deleted queue is named by the workers that consume it, and shown as missing`() async throws {
            let wharf = try RunningWharf.get()
            try await wharf.control("delete_queue", "users.commands")
            do {
                try await wharf.eventually("Its workers name it, and the others are ready", within: Self.reportLimit) { role, health in
                    role == "users" ? health.state == .notReady && health.detail?.contains("queue users.commands: ") == true : health.state == .ready
                }
                try await TestKit.eventually("The status shows it") {
                    let report = try await Status.report(of: wharf.folder)
                    let topology = try Broker.definitions(RunningWharf.repository() + "/topology/definitions.json").queues.map(\.name)
                    return QueueList.queues(report.queues ?? [], of: topology).filter { $0.isMissing == true }.map(\.name) == ["users.commands"]
                }
            } catch {
                try await wharf.applyTopology()
                throw error
            }
            try await wharf.applyTopology()
            try await wharf.isReadyAgain()
        }

        @Test func `without Redis users stays ready, and reports that it is down`() async throws {
            let wharf = try RunningWharf.get()
            let redis = try #require(try wharf.record.processes.first { $0.role == "redis" }).pid
            kill(redis, SIGSTOP)
            defer { kill(redis, SIGCONT) }
            try await TestKit.eventually("Users are ready, and report Redis", within: Self.reportLimit) {
                let report = try await Status.report(of: wharf.folder)
                for process in report.processes ?? [] where process.role == "users" {
                    guard let port = process.health.port else { return false }
                    let answer = try await wharf.web.send(WebRequest(url: "http://127.0.0.1:\(port)/readyz"))
                    guard answer.status == 200, String(decoding: answer.body, as: UTF8.self).contains("redis: ") else { return false }
                }
                return true
            }
        }
    }
}

extension RunningWharf {
    /// The health of each of Wharf's own processes. `wharf status` asks the servers, too, which are frozen here.
    fileprivate var health: [(role: String, health: StatusReport.Health)] {
        get async throws {
            let ports = try [url, record.consoleURL ?? "", sandboxURL].compactMap { URL(string: $0)?.port }
            let probe = HealthProbe(transport: web, publicPorts: Set(ports))
            let processes = try record.processes.filter(\.isRole)
            return await withTaskGroup(of: (role: String, health: StatusReport.Health).self) { group in
                for process in processes { group.addTask { (process.role, await probe.health(of: process)) } }
                return await group.reduce(into: []) { $0.append($1) }
            }
        }
    }

    /// Until every process of Wharf's own, by its role, is as expected.
    fileprivate func eventually(
        _ what: String, within limit: Duration, _ isSo: @escaping @Sendable (_ role: String, StatusReport.Health) -> Bool
    ) async throws {
        let amiss = Mutex("")
        do {
            try await TestKit.eventually(what, within: limit) {
                let others = try await health.filter { !isSo($0.role, $0.health) }
                amiss.withLock { $0 = "\(others)" }
                return others.isEmpty
            }
        } catch {
            Issue.record("\(what): \(amiss.withLock { $0 })")
            throw error
        }
    }

    fileprivate func isReadyAgain() async throws {
        try await eventually("All are ready again", within: .seconds(60)) { _, health in health.state == .ready }
    }

    fileprivate func applyTopology() async throws {
        let workingFolder = URL(filePath: folder.path).deletingLastPathComponent().path
        let apply = ManagedProcess(
            name: "wharf topology apply",
            command: ProcessCommand(Self.executable, ["topology", "apply"], inheritsEnvironment: false, workingFolder: workingFolder),
            output: .file("\(workingFolder)/apply.log"))
        try await apply.start()
        #expect(await apply.exit == .exited(0), "see \(workingFolder)/apply.log")
    }
}
