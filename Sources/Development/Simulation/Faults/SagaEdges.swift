/// The transitions of the checkout saga, as an order's history tells them.
enum SagaEdges {
    struct Edge: Hashable, Sendable {
        let from: String
        /// As the history words the event.
        let event: String
        let to: String

        init(_ from: String, _ event: String, _ to: String) {
            (self.from, self.event, self.to) = (from, event, to)
        }
    }

    static func moment(_ edge: Edge) -> String { "saga: \(edge.from) + \(edge.event) → \(edge.to)" }

    /// Every transition of `Checkout.after` that events can lead to from outside.
    static let reachable: [Edge] = [
        Edge("reserving", "stock reserved", "charging"),
        Edge("reserving", "not enough stock", "reopening"),
        Edge("reserving", "no answer in time", "voiding"),
        Edge("charging", "payment succeeded", "confirming"),
        Edge("charging", "payment declined", "releasing"),
        Edge("charging", "the customer has to authenticate the payment", "awaitingCustomer"),
        Edge("charging", "no answer in time", "voiding"),
        Edge("awaitingCustomer", "payment succeeded", "confirming"),
        Edge("awaitingCustomer", "payment declined", "voiding"),
        Edge("awaitingCustomer", "no answer in time", "voiding"),
        Edge("confirming", "order confirmed", "confirmed"),
        Edge("voiding", "no payment is kept", "releasing"),
        Edge("releasing", "stock released", "reopening"),
        Edge("reopening", "cart open again", "rejected"),
    ]

    /// Those that a sweep need not meet.
    private static let rare: [Edge] = [
        Edge("confirming", "the reservation is gone", "voiding"),
        Edge("voiding", "the payment needs an operator", "releasing"),
    ]

    /// Whether a single event can lead there.
    static func isPossible(_ edge: Edge) -> Bool { edge.from == edge.to || all.contains(edge) }

    private static let all = Set(reachable + rare)

    /// The transitions that an order's history tells, in their order.
    static func path(of order: Books.Order) -> [Edge] {
        zip(["reserving"] + order.history.dropFirst().map(\.state), order.history.dropFirst()).map { state, entry in
            Edge(state, String(entry.detail.prefix { $0 != ":" }), entry.state)
        }
    }
}
