/// The transitions of the checkout saga, as recorded in an order's history.
enum SagaEdges {
    struct Edge: Hashable, Sendable {
        let from: String
        /// The event in the words of the history.
        let event: String
        let to: String

        init(_ from: String, _ event: String, _ to: String) {
            (self.from, self.event, self.to) = (from, event, to)
        }
    }

    static func moment(_ edge: Edge) -> String { "saga: \(edge.from) + \(edge.event) → \(edge.to)" }

    /// Every transition of `Checkout.after` that outside events can cause.
    static let reachable: [Edge] = [
        Edge("reserving", "stock reserved", "charging"),
        Edge("reserving", "not enough stock", "reopening"),
        Edge("reserving", "no answer in time", "voiding"),
        Edge("charging", "payment succeeded", "confirmed"),
        Edge("charging", "payment authorized", "confirmed"),
        Edge("charging", "payment declined", "releasing"),
        Edge("charging", "the customer has to approve the payment", "awaitingCustomer"),
        Edge("charging", "no answer in time", "voiding"),
        Edge("awaitingCustomer", "payment succeeded", "confirmed"),
        Edge("awaitingCustomer", "payment authorized", "confirmed"),
        Edge("awaitingCustomer", "payment declined", "voiding"),
        Edge("awaitingCustomer", "no answer in time", "voiding"),
        Edge("voiding", "no payment is kept", "releasing"),
        Edge("releasing", "stock released", "reopening"),
        Edge("reopening", "cart open again", "rejected"),
        Edge("charging", "cancelled", "voiding"),
        Edge("confirmed", "cancelled", "voiding"),
        Edge("releasing", "stock released", "cancelled"),
    ]

    /// Transitions that a sweep need not reach.
    private static let rare: [Edge] = [
        Edge("confirmed", "the reservation is gone", "voiding"),
        Edge("voiding", "the payment needs an operator", "releasing"),
        Edge("reserving", "cancelled", "voiding"),
        Edge("awaitingCustomer", "cancelled", "voiding"),
        Edge("reserving", "given up", "voiding"),
        Edge("charging", "given up", "voiding"),
        Edge("awaitingCustomer", "given up", "voiding"),
    ]

    /// History entries that are not steps of the saga.
    private static let others: Set<String> = [
        "partlyShipped", "shipped", "delivered", "returnRequested", "returnApproved", "returnRefused", "returnReceived",
    ]

    /// Whether a single event can cause it.
    static func isPossible(_ edge: Edge) -> Bool { edge.from == edge.to || all.contains(edge) }

    private static let all = Set(reachable + rare)

    /// The transitions recorded in an order's history, in their order.
    static func path(of order: Books.Order) -> [Edge] {
        let steps = order.history.dropFirst().filter { !others.contains($0.state) }
        return zip(["reserving"] + steps.map(\.state), steps).map { state, entry in
            Edge(state, String(entry.detail.prefix { $0 != ":" }), entry.state)
        }
    }
}
