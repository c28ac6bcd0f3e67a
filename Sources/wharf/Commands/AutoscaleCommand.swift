import ArgumentParser
import Assembly
import Autoscaling
import FoundationEssentials
import LocalState
import Messaging
import Terminal
import WebClient

struct AutoscaleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "autoscale", abstract: "Starts and stops workers as the queues need them.",
        discussion: """
            Grows a pool at once when its messages are too many or would wait too long, and shrinks it by one worker at a time after a calm period. Workers are child processes, \
            each with the settings of its own service, or with --swarm the replicas of Docker Swarm services. Without statistics from RabbitMQ's management API \
            (WHARF_RABBITMQ_MANAGEMENT_URL) no pool changes.

            SIGTERM ends it after its child processes have finished their work. Exit status 0: stopped. 1: an error. 64: the command line is wrong. 78: a setting is wrong.
            """)

    /// The number of reads in which a change takes effect; the broker renews its statistics every five seconds.
    private static let looksPerChange = 3

    @Argument(help: "The pools: \(ServiceName.allCases.map(\.rawValue).joined(separator: ", ")). (default: all)")
    var pools: [ServiceName] = []

    @Option(name: .customLong("min"), help: "The minimum of workers, for every pool (1) or for one (orders=2). Repeatable. (default: 1)")
    var minimum: [PoolLimit] = []

    @Option(name: .customLong("max"), help: "The maximum of workers, for every pool (4) or for one (orders=8). Repeatable. (default: 4)")
    var maximum: [PoolLimit] = []

    @Option(help: "Seconds that messages may wait before workers are added.")
    var wait = 5.0

    @Option(help: "Messages for each worker before workers are added, even if these are handled fast.")
    var depth = 1_000

    @Option(help: "Seconds of calm before one worker is removed.")
    var calm = 60

    @Option(help: "Seconds between reads of the queues. After a change, a pool stays unchanged for three reads.")
    var interval = 5

    @Option(help: "Scale the services of this Docker Swarm stack instead of child processes.")
    var swarm: String?

    @Option(help: "The Docker Engine's socket on a manager of the swarm.")
    var socket = "/var/run/docker.sock"

    @Flag(help: "Change nothing; print each decision and its reason.")
    var dryRun = false

    func validate() throws {
        guard wait >= 0.1, wait <= 3_600 else { throw ValidationError("--wait must be 0.1 to 3600.") }
        guard (1...1_000_000).contains(depth) else { throw ValidationError("--depth must be 1 to 1000000.") }
        guard (1...86_400).contains(calm) else { throw ValidationError("--calm must be 1 to 86400.") }
        guard (1...300).contains(interval) else { throw ValidationError("--interval must be 1 to 300.") }
        // It becomes part of a path in the Engine's API.
        guard swarm?.contains(where: { !($0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0))) }) != true else {
            throw ValidationError("--swarm must be a stack's name: letters, digits, '-', '_' and '.'.")
        }
        for pool in chosen {
            let (minimum, maximum) = limits(of: pool)
            guard minimum <= maximum, maximum > 0 else { throw ValidationError("\(pool.rawValue) cannot have \(minimum) to \(maximum) workers.") }
        }
    }

    func run() async throws {
        guard let executable = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") else {
            Role.complain("/proc/self/exe cannot be read.")
            throw ExitCode.failure
        }
        try await Role.run(Assembly.autoscaler) { [try autoscaler($0, executable)] }
    }

    private var chosen: [ServiceName] { pools.isEmpty ? ServiceName.allCases : ServiceName.allCases.filter(pools.contains) }

    private func limits(of pool: ServiceName) -> (minimum: Int, maximum: Int) {
        let maximum = PoolLimit.count(maximum, for: pool) ?? 4
        return (PoolLimit.count(minimum, for: pool) ?? min(1, maximum), maximum)
    }

    private func autoscaler(_ assembly: Assembly, _ executable: String) throws -> Autoscaler {
        let client = WebClient(logger: assembly.logger("management"))
        let pools = try chosen.map { pool in
            let (minimum, maximum) = limits(of: pool)
            return Autoscaler.Pool(name: pool.rawValue, queues: try pool.definition().queues, bounds: minimum...max(minimum, maximum))
        }
        let print: @Sendable (String) -> Void = { Console.print($0 + "\n") }
        return Autoscaler(
            pools: pools,
            goals: ScalingGoals(wait: wait, depth: depth, calm: .seconds(calm), settling: .seconds(interval * Self.looksPerChange)),
            interval: .seconds(interval), workers: workers(assembly, client, executable), loads: try assembly.queueLoads(client), dryRun: dryRun ? print : nil,
            logger: assembly.logger("autoscaler"))
    }

    private func workers(_ assembly: Assembly, _ client: WebClient, _ executable: String) -> any WorkerPools {
        if let swarm { return SwarmServices(stack: swarm, socket: socket, transport: client) }
        if dryRun { return UnchangedPools() }
        let environment = ProcessInfo.processInfo.environment
        let probe = HealthProbe(transport: client, publicPorts: [])
        return LocalWorkers(
            command: { Assembly.workerCommand(executable, $0, environment: environment) }, grace: Assembly.workerGrace, isReady: { await probe.isReady($0) },
            logger: assembly.logger("workers"))
    }
}
