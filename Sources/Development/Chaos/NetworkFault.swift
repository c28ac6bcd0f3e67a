/// The servers that the roles reach through a proxy.
enum NetworkLink: String, CaseIterable, Sendable {
    case broker, database, gateway
}

/// A fault between the roles and one server.
struct NetworkFault: Fault {
    enum Act: Sendable {
        /// All connections end, and no new one can be opened.
        case cut
        /// Every piece of data is delayed, in both directions.
        case slow
        /// All connections end by a reset.
        case reset
        /// Connections stay open, and nothing passes, not even their end.
        case silent
        /// Connections of PostgreSQL end with the answer to every second COMMIT: it has taken effect, and its client does not know.
        case unansweredCommits
    }

    private static let latency = Duration.milliseconds(80)

    let link: NetworkLink
    let act: Act

    init(link: String, act: Act) {
        self.link = NetworkLink(rawValue: link) ?? .broker
        self.act = act
    }

    func inject(into shop: ChaosShop) async throws {
        let proxy = try shop.proxy(link)
        switch act {
        case .cut: proxy.traffic.enter(.cut)
        case .slow: proxy.traffic.enter(.slow(Self.latency))
        case .reset: proxy.traffic.resetAll()
        case .silent: proxy.traffic.enter(.silent)
        case .unansweredCommits: proxy.traffic.enter(.unansweredCommits)
        }
    }

    func restore(in shop: ChaosShop) async throws {
        try shop.proxy(link).traffic.enter(.open)
    }
}
