import Contracts
import FoundationEssentials
import Messaging
import WebClient

/// Stripe's lists of payments and events.
extension StripeGateway {
    /// The most pages of events that are searched for the oldest one: enough for the 30 days for which Stripe keeps events, at some thousand orders a day.
    static let maximumEventPages = 2_000

    public func payments(madeIn period: Range<Date>, after position: String?) async throws(GatewayError) -> GatewayPage? {
        let from = Int(period.lowerBound.timeIntervalSince1970)
        let to = Int(period.upperBound.timeIntervalSince1970)
        var path = "/v1/payment_intents?expand%5B%5D=data.latest_charge&created%5Bgte%5D=\(from)&created%5Blt%5D=\(to)&limit=\(Self.pageSize)"
        if let position { path += "&starting_after=\(PercentEncoding.encode(position))" }
        let page: StripePage<StripeIntent> = try read(try await send("GET", path), "a list of payments")
        return GatewayPage(payments: page.data.map(\.payment), next: page.hasMore ? page.data.last?.id : nil)
    }

    public func events(from start: EventStart, onProgress: () async throws(GatewayError) -> Void) async throws(GatewayError) -> GatewayEventPage? {
        switch start {
        case .after(let id):
            let page = try await eventPage("ending_before=\(PercentEncoding.encode(id))")
            return GatewayEventPage(page)
        case .since(let start):
            // The list begins with the newest, so the oldest are on the last page.
            let created = "created%5Bgte%5D=\(Int(start.timeIntervalSince1970))"
            var page = try await eventPage(created)
            var isLast = true
            for _ in 1..<Self.maximumEventPages {
                guard page.hasMore, let last = page.data.last else { return GatewayEventPage(page, hasMore: !isLast) }
                isLast = false
                try await onProgress()
                page = try await eventPage("\(created)&starting_after=\(PercentEncoding.encode(last.id))")
            }
            throw .unknown("Stripe has more than \(Self.maximumEventPages * Self.pageSize) events since \(start.ISO8601Format())")
        }
    }

    private func eventPage(_ query: String) async throws(GatewayError) -> StripePage<ListedEvent> {
        let types = StripeEvent.Kind.allCases.map { "&types%5B%5D=\($0.rawValue)" }.joined()
        let response = try await send("GET", "/v1/events?limit=\(Self.pageSize)&\(query)\(types)")
        // A position that it has forgotten.
        if response.status == 400 || response.status == 404 { throw .refused("Stripe answered \(response.status): \(StripeFailure(response).summary)") }
        return try read(response, "a list of events")
    }

    public func capture(intent: String, idempotencyKey: UUID) async throws(GatewayError) -> GatewayPayment {
        let response = try await sendAgain(
            "POST", "/v1/payment_intents/\(PercentEncoding.encode(intent))/capture", [], idempotencyKey: idempotencyKey)
        if response.status == 200 { return try payment(response) }
        let payment = try await existing(intent)
        // It was captured before, or can no longer be captured; its state shows which.
        guard case .authorized = payment.status else { return payment }
        throw failure(response)
    }
}

/// An event of the list. One of an unexpected shape must not hide those after it.
private struct ListedEvent: Sendable, Decodable {
    let id: String
    let created: Int
    let event: StripeEvent?

    private enum CodingKeys: String, CodingKey {
        case id, created
    }

    init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        id = try fields.decode(String.self, forKey: .id)
        created = try fields.decode(Int.self, forKey: .created)
        event = try? StripeEvent(from: decoder)
    }

    var entry: GatewayEventPage.Entry {
        let at = Date(timeIntervalSince1970: Double(created))
        guard let event, let body = event.message else { return .init(event: GatewayEvent(id: id, hint: nil), at: at, body: []) }
        return .init(event: GatewayEvent(id: id, hint: event.hint), at: at, body: body)
    }
}

extension GatewayEventPage {
    /// From a page with the newest event first.
    fileprivate init(_ page: StripePage<ListedEvent>, hasMore: Bool? = nil) {
        self.init(entries: page.data.reversed().map(\.entry), hasMore: hasMore ?? page.hasMore)
    }
}
