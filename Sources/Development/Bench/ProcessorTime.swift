import FoundationEssentials
import Glibc

/// Processor time that processes have used since they began, from `/proc`, in seconds.
struct ProcessorTime: Sendable {
    private struct Entry {
        let parent: Int32
        /// Its own time, and that of children that have ended.
        let ticks: Int
    }

    private let entries: [Int32: Entry]
    private let children: [Int32: [Int32]]
    private static let ticksPerSecond = Double(max(1, sysconf(Int32(_SC_CLK_TCK))))

    /// Of all processes at this moment.
    init() {
        var entries: [Int32: Entry] = [:]
        for name in (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? [] {
            guard let id = Int32(name), let data = try? Data(contentsOf: URL(filePath: "/proc/\(id)/stat")) else { continue }
            entries[id] = Self.entry(stat: String(decoding: data, as: UTF8.self))
        }
        self.init(entries)
    }

    private init(_ entries: [Int32: Entry]) {
        self.entries = entries
        children = Dictionary(grouping: entries.keys) { entries[$0]?.parent ?? 0 }
    }

    /// - Parameter stats: the content of `/proc/<id>/stat` by process id.
    init(stats: [Int32: String]) {
        self.init(stats.compactMapValues(Self.entry))
    }

    private static func entry(stat: String) -> Entry? {
        // The program's name is in parentheses and may hold spaces and parentheses itself.
        guard let end = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[stat.index(after: end)...].split(separator: " ")
        guard fields.count > 14, let parent = Int32(fields[1]) else { return nil }
        return Entry(parent: parent, ticks: fields[11...14].compactMap { Int($0) }.reduce(0, +))
    }

    /// The time used by a process and all its descendants.
    func seconds(below root: Int32) -> Double {
        var ticks = 0
        var waiting = [root]
        while let id = waiting.popLast() {
            ticks += entries[id]?.ticks ?? 0
            waiting += children[id] ?? []
        }
        return Double(ticks) / Self.ticksPerSecond
    }

    /// The time used by a process itself, without its children that still run.
    func seconds(of id: Int32) -> Double {
        Double(entries[id]?.ticks ?? 0) / Self.ticksPerSecond
    }
}

/// The processors of the machine since it was started, in seconds summed over all of them.
struct MachineTime: Sendable, Equatable {
    let busy: Double
    let total: Double

    init?() {
        guard let data = try? Data(contentsOf: URL(filePath: "/proc/stat")) else { return nil }
        self.init(stat: String(decoding: data, as: UTF8.self), ticksPerSecond: Double(max(1, sysconf(Int32(_SC_CLK_TCK)))))
    }

    init?(stat: String, ticksPerSecond: Double) {
        guard let line = stat.split(separator: "\n").first, line.hasPrefix("cpu ") else { return nil }
        // user nice system idle iowait irq softirq steal; guests are counted as users already.
        let ticks = line.split(separator: " ").dropFirst().prefix(8).compactMap { Double($0) }
        guard ticks.count >= 5 else { return nil }
        total = ticks.reduce(0, +) / ticksPerSecond
        busy = total - (ticks[3] + ticks[4]) / ticksPerSecond
    }
}
