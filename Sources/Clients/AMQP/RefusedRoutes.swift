/// Where publications of one publisher are refused (`basic.nack`) again and again, and nothing is accepted in between.
///
/// A queue that is full does that. So does a channel of a cluster whose first publication to a quorum queue came before the queue had a new leader: RabbitMQ then
/// refuses on this channel whatever follows, for as long as the old leader's node is away, while any new channel reaches the queue.
struct RefusedRoutes {
    fileprivate struct Route: Hashable {
        let exchange: String
        let routingKey: String
    }

    private struct Refusals {
        let first: ContinuousClock.Instant
        /// The first one on the channel that there is.
        var firstOnChannel: ContinuousClock.Instant
        var last: ContinuousClock.Instant
    }

    /// An election takes less; a channel that is stuck is replaced after this.
    static let firstLimit: Duration = .seconds(1)
    /// A queue may be full for long: then channels are replaced this often at the most.
    static let longestLimit: Duration = .seconds(32)
    /// How many routes are watched.
    static let maximumRoutes = 100
    /// A route without a refusal for this long is no longer in use.
    static let oldestRefusal: Duration = .seconds(30)

    private var refusals: [Route: Refusals] = [:]
    private var limit = Self.firstLimit

    var isEmpty: Bool { refusals.isEmpty }

    mutating func accepted(_ publication: Publication) {
        guard refusals.removeValue(forKey: Route(publication)) != nil else { return }
        if refusals.isEmpty { limit = Self.firstLimit }
    }

    mutating func refused(_ publication: Publication, at now: ContinuousClock.Instant) {
        if refusals.count >= Self.maximumRoutes { refusals = refusals.filter { now - $0.value.last < Self.oldestRefusal } }
        guard refusals.count < Self.maximumRoutes else { return }
        refusals[Route(publication), default: Refusals(first: now, firstOnChannel: now, last: now)].last = now
    }

    /// Whether it is time for a new channel. If so, the next one is due after twice the time.
    mutating func needNewChannel() -> Bool {
        guard refusals.values.contains(where: { $0.last - $0.firstOnChannel >= limit }) else { return false }
        refusals = refusals.mapValues { Refusals(first: $0.first, firstOnChannel: $0.last, last: $0.last) }
        limit = min(limit * 2, Self.longestLimit)
        return true
    }

    /// The route that has been refused for longest, if for `limit` or longer.
    func longest(atLeast limit: Duration, at now: ContinuousClock.Instant) -> (name: String, duration: Duration)? {
        let current = refusals.filter { $0.value.last - $0.value.first >= limit && now - $0.value.last < Self.oldestRefusal }
        return current.min { $0.value.first < $1.value.first }.map { ($0.key.routingKey, now - $0.value.first) }
    }
}

extension RefusedRoutes.Route {
    fileprivate init(_ publication: Publication) {
        self.init(exchange: publication.exchange, routingKey: publication.routingKey)
    }
}
