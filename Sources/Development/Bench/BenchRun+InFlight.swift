import Assembly
import FoundationEssentials
import LocalState
import Logging
import Up
import WebClient

extension BenchRun {
    /// How long requests may gather: less than a request's deadline and than the broker's limit for a silent worker.
    private static let gatherLimit = Duration.seconds(7)
    private static let gatherPause = Duration.milliseconds(50)

    /// The ingress's memory while thousands of requests wait for an answer: the workers that would answer are stopped meanwhile.
    func measureInFlight(_ running: RunningShop) async throws {
        let client = WebClient(
            maximumConcurrent: BenchPlan.inFlight, maximumWaiting: BenchPlan.inFlight, maximumPerHost: BenchPlan.inFlight,
            connectTimeout: .seconds(10), userAgent: "wharf-bench", logger: Logger(label: "wharf-dev bench") { _ in SwiftLogNoOpLogHandler() })
        defer { client.shutdown() }
        let customers = BenchCustomers(transport: client, url: running.url, count: BenchPlan.inFlight)
        let held = HeldProcesses(.carts, of: running)
        defer { held.letGo() }
        let peak = try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { _ = try await customers.each(of: BenchPlan.inFlight) { _ in try await customers.send("POST", "/v1/carts", expecting: [201]) } }
            let peak = try await gather(running)
            held.letGo()
            try await group.waitForAll()
            return peak
        }
        found(.ownMemoryInFlight, Double(peak.own) / 1e6, "MB of its own")
        found(.memoryInFlight, Double(peak.bytes) / 1e6, "MB", remark: "\(peak.files) open files, \(customers.retries) retries")
    }

    private func gather(_ running: RunningShop) async throws -> (bytes: Int, own: Int, files: Int) {
        let clock = ContinuousClock()
        let ingress = running.processes(of: ChildSpec.ingress)
        let end = clock.now + Self.gatherLimit
        var peak = (bytes: 0, own: 0, files: 0)
        while clock.now < end {
            try await clock.sleep(for: Self.gatherPause)
            peak.bytes = max(peak.bytes, ingress.compactMap { ProcessView(pid: $0).residentBytes }.max() ?? 0)
            peak.own = max(peak.own, ingress.compactMap { ProcessView(pid: $0).memory?.own }.max() ?? 0)
            peak.files = max(peak.files, ingress.map(Self.openFiles).reduce(0, +))
        }
        return peak
    }

    private static func openFiles(_ pid: Int32) -> Int {
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd"))?.count ?? 0
    }
}
