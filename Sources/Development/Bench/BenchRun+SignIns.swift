import FoundationEssentials
import JSON
import Logging
import PostgreSQL
import ShopClient
import Terminal
import WebClient

/// Strangers guess passwords, each guess from its own address; measures how users are served meanwhile.
extension BenchRun {
    private static let guessRate = 100.0
    private static let readRate = 50.0
    private static let seconds = 10.0

    /// Starts a shop that trusts the benchmark's client to name the addresses it forwards for, and leaves it running.
    func measureSignIns() async throws -> RunningShop {
        let running = try await shop.start(workers: BenchPlan.workers, settings: ["WHARF_TRUSTED_PROXIES": "127.0.0.1"])
        try await attempt(.signIns, .seconds(300)) { try await measureSignIns(running) }
        return try await shop.start(workers: BenchPlan.workers)
    }

    private func measureSignIns(_ running: RunningShop) async throws {
        let token = try await administrator(running).token
        let seconds = plan.isQuick ? 3 : Self.seconds
        let client = WebClient(
            maximumConcurrent: OpenLoop.maximumUnanswered, maximumWaiting: OpenLoop.maximumUnanswered, maximumPerHost: OpenLoop.maximumUnanswered,
            connectTimeout: .seconds(10), userAgent: "wharf-bench", logger: Logger(label: "wharf-dev bench") { _ in SwiftLogNoOpLogHandler() })
        defer { client.shutdown() }
        let profile = WebRequest(url: "\(running.url)/v1/users/me", headers: [("authorization", "Bearer \(token)")], timeout: .seconds(40))
        func read() async throws -> Latencies {
            let loop = OpenLoop(rate: Self.readRate, total: Int(Self.readRate * seconds))
            let answers = try await loop.run({ _ async throws(WebClientError) in try await client.send(profile) }, onSent: {}).answers
            guard answers.accepted.count == loop.total else { throw BenchError(.wrong, "\(answers.accepted.count) of \(loop.total) profiles could be read.") }
            return Latencies(answers.accepted)
        }
        let rest = try await read()
        found(.profileAtRest, rest.percentile(0.99), "ms", remark: "p50 \(Figures.text(rest.percentile(0.5))) ms")
        let url = running.url
        async let flood = OpenLoop(rate: Self.guessRate, total: Int(Self.guessRate * seconds)).run(
            { number async throws(WebClientError) in
                let body = Array(#"{"email":"stranger-\#(number)@wharf.example","password":"guess number \#(number)"}"#.utf8)
                let address = "198.18.\(number / 250 % 250).\(number % 250 + 1)"
                return try await client.send(
                    WebRequest(
                        method: "POST", url: "\(url)/v1/sessions", headers: [("content-type", "application/json"), ("x-forwarded-for", address)], body: body,
                        timeout: .seconds(40)))
            }, onSent: {})
        let during = try await read()
        let (answers, took, _) = try await flood
        found(.profileInFlood, during.percentile(0.99), "ms", remark: "p50 \(Figures.text(during.percentile(0.5))) ms")
        let others = answers.others.sorted { $0.key < $1.key }.map { ", \($0.value) × \($0.key)" }.joined()
        let verified = answers.others["status 401", default: 0]
        found(
            .signIns, Double(verified) / took, "passwords verified a second",
            remark: "offered \(Figures.text(Self.guessRate))/s, \(answers.refused.count) refused, \(answers.late) late\(others)")
    }
}
