import LocalState
import Synchronization

/// Samples the shop while something is measured, and remembers the worst values.
final class Watch: Sendable {
    private let processes: [RunRecord.Process]
    private let state = Mutex((backlog: 0, memory: [String: Int]()))

    init(_ shop: RunningShop) {
        processes = shop.record.processes
    }

    func look(pending: Int) {
        let memory = Self.memory(of: processes)
        state.withLock { state in
            state.backlog = max(state.backlog, pending)
            state.memory.merge(memory, uniquingKeysWith: max)
        }
    }

    var largestBacklog: Int { state.withLock { $0.backlog } }
    var peakMemory: [String: Int] { state.withLock { $0.memory } }

    /// The resident memory of the largest process of each role, in bytes.
    static func memory(of processes: [RunRecord.Process]) -> [String: Int] {
        Dictionary(processes.compactMap { process in ProcessView(pid: process.pid).residentBytes.map { (process.role, $0) } }, uniquingKeysWith: max)
    }
}
