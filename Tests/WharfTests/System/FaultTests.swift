import FoundationEssentials
import Glibc
import LocalServers
import Messaging
import TestKit
import Testing
import WebClient

@testable import Assembly
@testable import Audit
@testable import Bench
@testable import JSON
@testable import LocalState
@testable import Terminal
@testable import Up

extension System {
    /// Orders by the hundred while a process dies; `wharf-dev load` then reconciles the customers' answers with the stock, the ledger and the
    /// dead letters.
    @Suite struct `Faults` {
        @Test func `every accepted order settles and everything adds up while each worker is killed in turn`() async throws {
            let wharf = try RunningWharf.get()
            let workers = try wharf.record.processes.filter { ServiceName(rawValue: $0.role) != nil }.map(\.name)
            #expect(workers.count == 2 * ServiceName.allCases.count)
            try await wharf.load(orders: 300, from: try wharf.realBaskets()) {
                for name in workers { try await wharf.killUntilRestarted(name) }
            }
        }

        @Test(arguments: ["rabbitmq", "postgresql"])
        func `every accepted order settles and everything adds up while a server is killed`(server: String) async throws {
            let wharf = try RunningWharf.get()
            try await wharf.load(orders: 120, from: try wharf.madeUpBaskets()) { try await wharf.killUntilRestarted(server) }
        }

        @Test func `every accepted order settles and everything adds up while the ingress and the sandbox are killed`() async throws {
            let wharf = try RunningWharf.get()
            try await wharf.load(orders: 120, from: try wharf.madeUpBaskets()) {
                for name in ["ingress-1", "sandbox-1"] { try await wharf.killUntilRestarted(name) }
            }
        }
    }
}

extension RunningWharf {
    private static let loadWithin = 300
    private static let restartedWithin = Duration.seconds(200)

    /// SIGKILL; returns when it runs again.
    func killUntilRestarted(_ name: String) async throws {
        func process() throws -> RunRecord.Process {
            try #require(try record.processes.first { $0.name == name })
        }
        let before = try process()
        #expect(kill(before.pid, SIGKILL) == 0)
        try await eventually("The restart of \(name)", within: Self.restartedWithin) { try process().restarts > before.restarts }
    }

    /// Runs `wharf-dev load`, and `disturb` once the first of its orders are paid; returns when all is settled, reconciled, and at rest again.
    func load(orders: Int, from baskets: String, while disturb: @escaping @Sendable () async throws -> Void) async throws {
        let workingFolder = URL(filePath: folder.path).deletingLastPathComponent().path
        let log = "\(workingFolder)/load.log"
        try? FileManager.default.removeItem(atPath: log)
        let process = ManagedProcess(
            name: "wharf-dev load",
            command: ProcessCommand(
                Self.developmentExecutable,
                ["load", "--baskets", baskets, "--orders", "\(orders)", "--clients", "8", "--no-prepare", "--timeout", "\(Self.loadWithin)"],
                inheritsEnvironment: false, workingFolder: workingFolder),
            output: .file(log))
        let before = try await succeededPayments()
        let start = Date()
        try await process.start()
        do {
            try await eventually("The first payment", within: .seconds(60)) {
                let isRunning = await process.isRunning
                let now = try await succeededPayments()
                return !isRunning || now > before
            }
            #expect(await process.isRunning, "nothing was under way any more when the fault came")
            try await disturb()
            let status = await process.exit
            let output = (try? Data(contentsOf: URL(filePath: log))).map { String(decoding: $0.suffix(4_000), as: UTF8.self) } ?? ""
            #expect(status == .exited(0), "\(output)")
        } catch {
            await process.stop()
            throw error
        }
        // The services' own records, which the customers do not see, add up as well.
        let audit = try await self.audit(since: start)
        #expect(audit.isClean, "\(audit.text(Paint(isColoured: false)))")
        // Every part answers before the next test asks.
        try await eventually("A confirmed order", within: .seconds(60)) {
            let admin = Visitor(wharf: self, token: adminToken)
            let guest = Visitor(wharf: self, token: nil)
            let answer = try await guest.checkout(try await guest.newCart(try await admin.newProduct()))
            return answer["order", "state"] == "confirmed"
        }
    }

    private func succeededPayments() async throws -> Int {
        let totals = Answer(try await web.send(.init(url: "\(sandboxURL)/_ledger/totals", headers: [("authorization", "Bearer \(try secrets.stripeAPIKey)")])))
        return totals["succeeded"]?.number ?? 0
    }

    /// A file of real baskets, where one is at hand.
    func realBaskets() throws -> String {
        let real = "\(Self.repository())/../shared/data/groceries.csv"
        return FileManager.default.fileExists(atPath: real) ? real : try madeUpBaskets()
    }

    func madeUpBaskets() throws -> String {
        let made = "\(folder.path)/baskets.csv"
        let lines = (0..<100).map { line in
            Set((0...line % 5).map { "item \(($0 * 37 + line * 11) % 40)" }).sorted().joined(separator: ",")
        }
        try Data(lines.joined(separator: "\n").utf8).write(to: URL(filePath: made))
        return made
    }
}
