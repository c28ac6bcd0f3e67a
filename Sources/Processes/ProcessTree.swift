import FoundationEssentials
import Glibc

/// One process, distinguished from a later one with the same id.
package struct ProcessIdentity: Hashable, Sendable {
    package let id: Int32
    /// Clock ticks from boot to the start of the process.
    package let startTime: UInt64

    package init(id: Int32, startTime: UInt64) {
        self.id = id
        self.startTime = startTime
    }

    /// Whether this very process still runs. A zombie does not: it holds no file and no port.
    package var isAlive: Bool {
        guard let status = ProcessStatus(id: id) else { return false }
        return status.startTime == startTime && !status.isZombie
    }
}

extension Sequence<ProcessIdentity> {
    package var hasLiving: Bool { contains { $0.isAlive } }
}

/// The contents of `/proc/<id>/stat`.
package struct ProcessStatus {
    package let parent: Int32
    package let isZombie: Bool
    package let startTime: UInt64

    package init?(id: Int32) {
        guard let data = try? Data(contentsOf: URL(filePath: "/proc/\(id)/stat")) else { return nil }
        self.init(stat: String(decoding: data, as: UTF8.self))
    }

    package init?(stat: String) {
        // The second field is the program's name in parentheses, and may itself hold spaces and parentheses.
        guard let end = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[stat.index(after: end)...].split(separator: " ")
        guard fields.count > 19, let parent = Int32(fields[1]), let startTime = UInt64(fields[19]) else { return nil }
        self.parent = parent
        self.isZombie = fields[0] == "Z" || fields[0] == "X"
        self.startTime = startTime
    }
}

/// The processes below a process: PostgreSQL's and Erlang's helpers make sessions of their own, so that a signal to the
/// process group does not reach them.
package enum ProcessTree {
    package static func descendants(of root: Int32) -> [ProcessIdentity] {
        var children: [Int32: [ProcessIdentity]] = [:]
        for entry in (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? [] {
            guard let id = Int32(entry), let status = ProcessStatus(id: id) else { continue }
            children[status.parent, default: []].append(ProcessIdentity(id: id, startTime: status.startTime))
        }
        var found: [ProcessIdentity] = []
        var roots = [root]
        while let next = roots.popLast() {
            guard let below = children.removeValue(forKey: next) else { continue }
            found += below
            roots += below.map(\.id)
        }
        return found
    }

    /// Stops a process and those below it (SIGSTOP) until ``thaw(_:)``: the kernel still accepts connections to them, but they do not answer.
    package static func freeze(_ root: Int32) {
        // Twice: the first round may miss a process that was started just before its parent was stopped.
        for _ in 0..<2 { send(SIGSTOP, to: root) }
    }

    package static func thaw(_ root: Int32) {
        send(SIGCONT, to: root)
    }

    private static func send(_ signal: Int32, to root: Int32) {
        for id in [root] + descendants(of: root).map(\.id) { _ = Glibc.kill(id, signal) }
    }

    /// Kills those that still run.
    package static func kill(_ processes: [ProcessIdentity]) {
        for process in processes where process.isAlive { _ = Glibc.kill(process.id, SIGKILL) }
    }
}
