import ArgumentParser
import Assembly
import Contracts
import FoundationEssentials
import Messaging
import Simulation
import Terminal
import Topology

#if canImport(Glibc)
    import Glibc
#endif

struct Simulate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate", abstract: "Runs the shop under faults in virtual time, repeatably, and checks that it keeps its promises.",
        discussion: """
            The services' own code runs on one thread, against a model of RabbitMQ, of Stripe and of PayPal and a private PostgreSQL. A seed decides what runs next and what goes \
            wrong: processes die at any call, connections break, answers are lost, commits end unknown. Once nothing is under way, orders, payments, \
            stock, mails and messages are reconciled.

            The same seed gives the same run. Exits with 1 when a promise was broken or, for 50 seeds and more, when a moment that a sweep must reach was not reached; \
            the command that replays the run is printed.
            """)

    @Option(help: "Run this seed alone.")
    var seed: UInt64?

    @Option(help: "Run this many seeds, one after the other, from the base on.")
    var seeds = 50

    @Option(help: "The first of the seeds; drawn afresh when it is left out.")
    var base: UInt64?

    @Option(help: "Turns of the scheduler in which faults may occur.")
    var steps = 20_000

    @Option(help: "Customers in a run.")
    var customers = 12

    @Option(help: "Begin no further seed after this many seconds.")
    var seconds: Int?

    @Option(help: "Crash a process at this point of the run, with no other faults.")
    var crashAt: Int?

    @Option(help: ArgumentHelp("Run one seed once for every so many of its crash points, with a crash there and no other faults.", valueName: "stride"))
    var crashEach: Int?

    @Option(help: ArgumentHelp("Break the program on purpose, to check that the simulation detects it.", valueName: "how"))
    var sabotage: Sabotage?

    @Option(help: "When payments are captured: automatic or manual. (default: decided by the seed)")
    var capture: CaptureMode?

    @Flag(help: "Print each step.")
    var trace = false

    @Option(help: "Exchanges, queues and policies of the model broker.")
    var definitions = Broker.standardDefinitions

    func validate() throws {
        guard seeds > 0, steps >= 0, (1...1_000).contains(customers), crashEach ?? 1 > 0 else {
            throw ValidationError("--seeds, --customers and --crash-each must be at least 1 (customers at most 1000), --steps at least 0")
        }
    }

    func run() async throws {
        try Repeatability.ensure()
        let definitions = try Definitions(contentsOf: definitions)
        let folder = FileManager.default.temporaryDirectory.appending(path: "wharf-simulation-\(ProcessInfo.processInfo.processIdentifier)")
        let server = try SimulationServer(folder: folder.path)
        var isGood = false
        do {
            try await server.start()
            isGood = if let crashEach { try await crash(each: crashEach, definitions, server) } else { try await sweep(definitions, server) }
        } catch {
            await server.stop()
            try? FileManager.default.removeItem(at: folder)
            throw error
        }
        await server.stop()
        try? FileManager.default.removeItem(at: folder)
        if !isGood { throw ExitCode(1) }
    }

    private func sweep(_ definitions: Definitions, _ server: SimulationServer) async throws -> Bool {
        let first = seed ?? base ?? UInt64.random(in: 1...1_000_000_000)
        let count = seed == nil ? seeds : 1
        if count > 1 { print("seeds \(first) to \(first + UInt64(count) - 1)") }
        let start = ContinuousClock.now
        let visits = Visits()
        var done = 0
        for seed in first..<(first + UInt64(count)) {
            if let seconds, ContinuousClock.now - start > .seconds(seconds) { break }
            let simulation = Simulation(plan(seed), definitions: definitions)
            let report = try await simulation.run(on: server, trace: trace ? Self.show : nil)
            done += 1
            visits.merge(report.visits)
            guard printReport(report, replay: replay(seed, crashAt: crashAt)) else { return false }
        }
        guard count > 1 else { return true }
        print("\n\(done) seeds in \((ContinuousClock.now - start).inSeconds), no promise broken\n")
        for line in SimulateLayout.table(visits) { print(line) }
        let missed = visits.expected.filter { $0.count == 0 }
        if done >= SimulateLayout.fullSweep, !missed.isEmpty {
            print("\nNever reached: \(missed.map(\.moment).joined(separator: "; "))")
            return false
        }
        return true
    }

    /// A crash at every call of a run that otherwise succeeds.
    private func crash(each stride: Int, _ definitions: Definitions, _ server: SimulationServer) async throws -> Bool {
        let seed = seed ?? base ?? 1
        let start = ContinuousClock.now
        var plan = plan(seed)
        plan.crashAt = 0
        let calm = try await Simulation(plan, definitions: definitions).run(on: server)
        print(SimulateLayout.line(calm))
        var done = 0
        for point in Swift.stride(from: 1, through: calm.crashPoints, by: stride) {
            if let seconds, ContinuousClock.now - start > .seconds(seconds) { break }
            plan.crashAt = point
            let report = try await Simulation(plan, definitions: definitions).run(on: server)
            done += 1
            guard printReport(report, replay: replay(seed, crashAt: point)) else { return false }
        }
        print("\n\(done) crashes in \((ContinuousClock.now - start).inSeconds), no promise broken")
        return true
    }

    /// False when a promise was broken.
    private func printReport(_ report: Simulation.Report, replay command: String) -> Bool {
        print(SimulateLayout.line(report))
        fflush(nil)
        for violation in report.violations { print("  \(violation)") }
        if !report.violations.isEmpty { print("To replay it:  \(command)") }
        return report.violations.isEmpty
    }

    private static func show(_ line: String) {
        print(line)
    }

    private func plan(_ seed: UInt64) -> Simulation.Plan {
        var plan = Simulation.Plan(seed: seed)
        plan.steps = steps
        plan.customers = customers
        plan.crashAt = crashAt
        plan.sabotage = sabotage
        plan.capture = capture
        return plan
    }

    private func replay(_ seed: UInt64, crashAt: Int?) -> String {
        var command = "wharf-dev simulate --seed \(seed) --steps \(steps) --customers \(customers)"
        if let crashAt { command += " --crash-at \(crashAt)" }
        if let sabotage { command += " --sabotage \(sabotage.rawValue)" }
        if let capture { command += " --capture \(capture.rawValue)" }
        return command + " --trace"
    }
}

extension Sabotage: ExpressibleByArgument {}
