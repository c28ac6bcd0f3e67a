import FoundationEssentials
import Terminal

/// What the peer's load generator prints at its end.
struct PeerFigures: Sendable, Equatable {
    /// Orders or requests a second.
    let rate: Double
    /// Milliseconds: of orders from sending the checkout to `confirmed`, by the order's own history.
    let median: Double

    private struct Printed: Decodable {
        struct History: Decodable {
            let ordersPerS, p50Ms: Double
        }
        let byHistory: History?
        let reqPerS: Double?
        let p50Ms: Double?
        let failed: Int?
        let WRONG: String?
    }

    init(_ printed: [String]) throws {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let line = printed.last ?? ""
        guard let found = try? decoder.decode(Printed.self, from: Data(line.utf8)), found.WRONG == nil, (found.failed ?? 0) == 0 else {
            throw BenchError(.wrong, "The peer's load generator does not say what it found: \(line.prefix(500))")
        }
        if let history = found.byHistory {
            (rate, median) = (history.ordersPerS, history.p50Ms)
        } else if let requests = found.reqPerS, let median = found.p50Ms {
            (rate, self.median) = (requests, median)
        } else {
            throw BenchError(.wrong, "The peer's load generator printed no figures: \(line.prefix(500))")
        }
    }
}
