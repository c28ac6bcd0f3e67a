import FoundationEssentials
import LocalServers
import LocalState
import ShopClient
import Terminal
import Up
import WebClient

/// What administrators use besides the API, with a million dead letters stored: the web console, and the export from a shell.
extension BenchRun {
    private static let samplePause = Duration.milliseconds(50)
    private static let exportLimit = Duration.seconds(600)

    /// Reads pages of the web console as a browser does, one after another.
    func measureConsole(_ running: RunningShop, group: String, order: String) async throws {
        guard let url = running.record.consoleURL else { throw BenchError(.failed, "The shop has no web console.") }
        let visitor = try await ConsoleVisitor.signIn(transport, url, email: running.record.adminEmail, password: running.adminPassword)
        let pages = [
            "", "/groups", "/groups?state=all", "/letters", "/letters?group=\(group)", "/letters?cause=cause-3&operation=grown.operation7", "/letters?state=discarded&cause=cause-3",
            "/letters?text=\(order)", "/waiting", "/jobs", "/jobs/new?action=replay&group=\(group)",
        ]
        var slowest = ("", Latencies([]))
        for page in pages {
            var latencies: [Duration] = []
            for round in 0..<max(2, plan.letterReads / pages.count) {
                let latency = try await visitor.read(page)
                if round > 0 { latencies.append(latency) }
            }
            let times = Latencies(latencies)
            console.line(console.paint.dim("    console\(page): p50 \(Figures.text(times.percentile(0.5))) ms, p99 \(Figures.text(times.percentile(0.99))) ms"))
            if times.percentile(0.99) >= slowest.1.percentile(0.99) { slowest = (page, times) }
        }
        found(.letterConsole, slowest.1.percentile(0.99), "ms", remark: "the slowest page, \(slowest.0.isEmpty ? "the overview" : slowest.0); p50 \(Figures.text(slowest.1.percentile(0.5))) ms")
    }

    /// Exports the letters of one operation with `wharf dead-letters export`, and compares its memory in the two halves of the time.
    func measureExport(_ running: RunningShop) async throws {
        let lines = LineStore()
        let command = ProcessCommand(
            try Executables().wharf, ["dead-letters", "export", "--state", "all", "--operation", "grown.operation7"], inheritsEnvironment: false, workingFolder: folder.path)
        let export = ManagedProcess(name: "wharf dead-letters export", command: command, output: .lines { if !$0.hasPrefix("{") { lines.add($0) } })
        let clock = ContinuousClock()
        let start = clock.now
        try await export.start()
        var samples: [Int] = []
        let hasEnded = try await poll(every: Self.samplePause, within: Self.exportLimit) {
            guard let pid = await export.pid else { return true }
            if let memory = ProcessView(pid: pid).residentBytes { samples.append(memory) }
            return false
        }
        guard hasEnded, await export.exit == .exited(0) else {
            await export.kill()
            throw BenchError(.failed, "The export failed: \(lines.last(3).joined(separator: "; "))")
        }
        let took = (clock.now - start).seconds
        // The last sample may be of a process that is ending.
        let halves = [samples.dropLast().prefix(samples.count / 2), samples.dropLast().dropFirst(samples.count / 2)].map { Double($0.max() ?? 0) / 1e6 }
        found(.letterExport, halves.max() ?? 0, "MB", remark: "\(lines.last(1).joined()) in \(Figures.text(took)) s")
        found(.letterExportGrowth, max(0, halves[1] - halves[0]), "MB", remark: "from \(Figures.text(halves[0])) MB in the first half")
    }
}

/// An administrator's browser at the web console.
private struct ConsoleVisitor: Sendable {
    private let transport: any HTTPTransport
    private let url: String
    private let cookie: String

    /// - Throws: ``BenchError`` with code `wrong` when the console answers otherwise than expected.
    static func signIn(_ transport: any HTTPTransport, _ url: String, email: String, password: String) async throws -> ConsoleVisitor {
        let form = try await transport.send(WebRequest(url: "\(url)/sign-in"))
        guard let token = String(decoding: form.body, as: UTF8.self).firstMatch(of: /name="token" value="([0-9a-f]+)"/)?.1, let visitor = cookies(form).first else {
            throw BenchError(.wrong, "The console has no sign-in form.")
        }
        let headers = [(name: "content-type", value: "application/x-www-form-urlencoded"), (name: "sec-fetch-site", value: "same-origin"), (name: "cookie", value: visitor)]
        let fields = [("token", String(token)), ("email", email), ("password", password)]
        let opened = try await transport.send(WebRequest(method: "POST", url: "\(url)/sign-in", headers: headers, body: PercentEncoding.form(fields), timeout: .seconds(30)))
        guard opened.status == 303, let session = cookies(opened).first else { throw BenchError(.wrong, "The console answered \(opened.status) to the sign-in.") }
        return ConsoleVisitor(transport: transport, url: url, cookie: session)
    }

    /// Returns how long the page took.
    func read(_ page: String) async throws -> Duration {
        let start = ContinuousClock.now
        let response = try await transport.send(WebRequest(url: url + page, headers: [("cookie", cookie)], timeout: .seconds(30)))
        guard response.status == 200 else { throw BenchError(.wrong, "The console answered \(response.status) to \(page).") }
        return ContinuousClock.now - start
    }

    private static func cookies(_ response: WebResponse) -> [String] {
        response.headers.filter { $0.name.lowercased() == "set-cookie" }.map { String($0.value.prefix { $0 != ";" }) }
    }
}
