import FoundationEssentials
import Glibc
import Instruments

/// The kernel's figures for this process, under the names that Prometheus' own clients use.
struct ProcessMetrics: Equatable {
    var residentBytes: Double
    var virtualBytes: Double
    var cpuSeconds: Double
    var openDescriptors: Double
    var maximumDescriptors: Double
    /// Seconds since 1970.
    var startTime: Double

    var all: [(Instrument, Double)] {
        [
            (.processCPU, cpuSeconds), (.processMaximumDescriptors, maximumDescriptors), (.processDescriptors, openDescriptors),
            (.processResident, residentBytes), (.processStart, startTime), (.processVirtual, virtualBytes),
        ]
    }

    /// Nil without Linux's /proc.
    static func current() -> ProcessMetrics? {
        guard let stat = read("/proc/self/stat"), let system = read("/proc/stat"), let limits = read("/proc/self/limits"),
            let descriptors = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
        else { return nil }
        return ProcessMetrics(
            stat: stat, system: system, limits: limits, descriptors: descriptors.count,
            ticksPerSecond: Double(sysconf(Int32(_SC_CLK_TCK))), pageBytes: Double(sysconf(Int32(_SC_PAGESIZE))))
    }

    /// From `/proc/<pid>/stat`, `/proc/stat` and `/proc/<pid>/limits`, see proc(5).
    init?(stat: String, system: String, limits: String, descriptors: Int, ticksPerSecond: Double, pageBytes: Double) {
        // The second field is the program's name in brackets, which may contain spaces and brackets. The rest begins with field 3.
        guard let name = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[name...].dropFirst().split(separator: " ")
        func field(_ number: Int) -> Double? { fields.indices.contains(number - 3) ? Double(fields[number - 3]) : nil }
        guard let user = field(14), let kernel = field(15), let start = field(22), let size = field(23), let pages = field(24), ticksPerSecond > 0,
            let boot = Self.number(after: "btime ", in: system)
        else { return nil }
        residentBytes = pages * pageBytes
        virtualBytes = size
        cpuSeconds = (user + kernel) / ticksPerSecond
        openDescriptors = Double(descriptors)
        maximumDescriptors = Self.number(after: "Max open files ", in: limits) ?? .infinity
        startTime = boot + start / ticksPerSecond
    }

    private static func number(after name: String, in text: String) -> Double? {
        let line = text.split(separator: "\n").first { $0.hasPrefix(name) }
        return line?.dropFirst(name.count).split(separator: " ").first.flatMap { Double($0) }
    }

    private static func read(_ path: String) -> String? {
        FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
    }
}
