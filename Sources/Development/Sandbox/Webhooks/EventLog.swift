/// The latest events, for clients that have missed some: `GET /v1/events`. Stripe keeps them for 30 days.
struct EventLog: Sendable {
    /// Some 1 KB each. Older ones are forgotten.
    static let maximumEvents = 10_000
    /// Stripe's own limit on `types`.
    static let maximumTypes = 20

    struct Entry: Sendable, Equatable {
        let event: WebhookEvent
        let body: [UInt8]
    }

    struct Filter: Sendable, Equatable {
        var types: Set<String> = []
        var created: ClosedRange<Int> = 0...Int.max
        /// The page of events older than this one.
        var startingAfter: String?
        /// The page of events newer than this one.
        var endingBefore: String?
        var limit = Page<Entry>.defaultLimit

        func matches(_ entry: Entry) -> Bool {
            (types.isEmpty || types.contains(entry.event.kind.rawValue)) && created.contains(entry.event.created)
        }
    }

    /// In the order in which they happened.
    private var entries: [Entry] = []

    mutating func add(_ new: [Entry]) {
        entries += new
        // A tenth more is dropped at once, so that most additions move nothing.
        if entries.count > Self.maximumEvents + Self.maximumEvents / 10 { entries.removeFirst(entries.count - Self.maximumEvents) }
    }

    subscript(id: String) -> Entry? { entries.last { $0.event.id == id } }

    /// The newest first, whichever end a page begins at.
    func list(_ filter: Filter) throws(StripeError) -> Page<Entry> {
        if let id = filter.endingBefore {
            guard let place = entries.lastIndex(where: { $0.event.id == id }) else { throw .noSuch("event", id, parameter: "ending_before", status: 400) }
            let page = Page(entries[(place + 1)...].lazy.filter(filter.matches), limit: filter.limit)
            return Page(reversing: page)
        }
        var end = entries.count
        if let id = filter.startingAfter {
            guard let place = entries.lastIndex(where: { $0.event.id == id }) else { throw .noSuch("event", id, parameter: "starting_after", status: 400) }
            end = place
        }
        return Page(entries[..<end].reversed().lazy.filter(filter.matches), limit: filter.limit)
    }
}
