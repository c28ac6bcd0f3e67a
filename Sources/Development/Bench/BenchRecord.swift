import FoundationEssentials
import Synchronization
import Up

/// The results of a run of the benchmark, as stored in `bench/results/*.json`.
struct BenchRecord: Sendable, Codable {
    struct Machine: Sendable, Codable {
        var processors: Int
        var model: String
        var memoryBytes: Int
        var kernel: String
    }

    /// Conditions that make the figures comparable: durability was not traded for speed.
    struct Servers: Sendable, Codable, Equatable {
        var postgres: String
        /// As PostgreSQL itself reports them: `fsync`, `synchronous_commit`, `full_page_writes`.
        var durability: [String: String]
        var isReleaseBuild: Bool
    }

    let startedAt: Date
    let plan: BenchPlan
    let machine: Machine
    var servers: Servers?
    var figures: [BenchFigure: Samples] = [:]
    /// Of one order of the checkouts case, once a round.
    var costs: [Costs] = []
    /// MiB by role: the largest process of it.
    var memoryAtRest: [String: Double] = [:]
    var memoryUnderLoad: [String: Double] = [:]
    /// MB by role at rest: private memory (USS), and with a proportional share of shared pages (PSS).
    var ownMemoryAtRest: [String: Double] = [:]
    var proportionalMemoryAtRest: [String: Double] = [:]
    /// Of one order.
    var waterfall: Waterfall?
    /// How long each part of `wharf-dev up` took, as it says itself.
    var startup: [String] = []
    /// Why a case has no figures, by case.
    var failures: [String: String] = [:]
    var notes: [String] = []
    var finishedAt: Date?
    /// False when the run was interrupted.
    var isComplete = false
    /// The cases against their goals.
    var rows: [BenchRow] = []

    func median(_ figure: BenchFigure) -> Double? { figures[figure]?.median }

    /// The share of the processors that other processes took, 0 to 1; nil when it is too small to matter.
    var disturbance: Double? { median(.foreign).flatMap { $0 > Goals.toleratedForeign ? $0 : nil } }
}

/// The record as it grows; every measurement writes into it.
final class BenchBook: Sendable {
    private let record: Mutex<BenchRecord>

    init(_ record: BenchRecord) {
        self.record = Mutex(record)
    }

    var current: BenchRecord { record.withLock { $0 } }

    func add(_ figure: BenchFigure, _ value: Double) {
        record.withLock { $0.figures[figure, default: Samples()].add(value) }
    }

    func note(_ change: (inout BenchRecord) -> Void) {
        record.withLock { change(&$0) }
    }
}
