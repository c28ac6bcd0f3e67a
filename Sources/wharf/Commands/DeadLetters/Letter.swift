import FoundationEssentials
import JSON
import Terminal

/// A dead letter in a list. Services of an earlier version leave out what they do not know.
struct Letter: Decodable, Sendable, Equatable {
    let id: String
    let messageId: String?
    let service: String?
    let operation: String?
    let queue: String
    let cause: String
    let detail: String
    let attempts: Int?
    let state: String
    let seen: Int?
    let firstFailedAt: Date?
    let firstSeenAt: Date
    let lastSeenAt: Date
    let settledAt: Date?
    let settledBy: String?
    let group: String?
    let orderId: String?
    let orderNumber: String?
    let customerId: String?
    let edited: Bool?

    static func columns(at now: Date) -> [Column<Letter>] {
        [
            Column("id") { $0.id }, Column("age", isNumber: true, plain: { $0.lastSeenAt.ISO8601Format() }) { now.timeIntervalSince($0.lastSeenAt).age },
            Column("state") { $0.state + ($0.edited == true ? " edited" : "") },
            Column("operation") { $0.operation ?? $0.queue }, Column("order") { $0.orderNumber ?? $0.orderId ?? "-" }, Column("cause") { $0.cause },
            Column("detail") { $0.detail },
        ]
    }
}

/// One dead letter with everything about it.
struct WholeLetter: Decodable, Sendable {
    struct Attempt: Decodable, Sendable {
        let at: Date
        let worker: String
        let cause: String
        let detail: String
    }

    struct Decision: Decodable, Sendable {
        let at: Date
        let actor: String
        let action: String
    }

    struct Edit: Decodable, Sendable {
        let body: String
        let by: String
        let at: Date
    }

    let letter: Letter
    let body: String
    let bodyEncoding: String
    let bodyBytes: Int
    let properties: JSONValue?
    let headers: JSONValue?
    let history: [Attempt]
    let audit: [Decision]
    let edit: Edit?
    let traceId: String?
    let cartId: String?

    private enum Member: String, CodingKey {
        case body, bodyEncoding, bodyBytes, properties, headers, history, audit, edit, traceId, cartId
    }

    init(from decoder: any Decoder) throws {
        letter = try Letter(from: decoder)
        let members = try decoder.container(keyedBy: Member.self)
        body = try members.decode(String.self, forKey: .body)
        bodyEncoding = try members.decodeIfPresent(String.self, forKey: .bodyEncoding) ?? "text"
        bodyBytes = try members.decodeIfPresent(Int.self, forKey: .bodyBytes) ?? body.utf8.count
        properties = try members.decodeIfPresent(JSONValue.self, forKey: .properties)
        headers = try members.decodeIfPresent(JSONValue.self, forKey: .headers)
        history = try members.decodeIfPresent([Attempt].self, forKey: .history) ?? []
        audit = try members.decodeIfPresent([Decision].self, forKey: .audit) ?? []
        edit = try members.decodeIfPresent(Edit.self, forKey: .edit)
        traceId = try members.decodeIfPresent(String.self, forKey: .traceId)
        cartId = try members.decodeIfPresent(String.self, forKey: .cartId)
    }

    /// Whether the body is text that can be edited.
    var isText: Bool { bodyEncoding == "text" }
}

/// Letters with one cause.
struct LetterGroup: Decodable, Sendable {
    let id: String
    let service: String?
    let operation: String?
    let cause: String
    let text: String
    let count: Int
    let open: Int
    let orders: Int
    let firstSeenAt: Date
    let lastSeenAt: Date
    let perHour: [Int]
    let example: String?
    let name: String?
    let note: String?
    let state: String
    let returned: String?

    static func columns(at now: Date) -> [Column<LetterGroup>] {
        [
            Column("group") { $0.id }, Column("open", isNumber: true) { "\($0.open)" }, Column("all", isNumber: true) { "\($0.count)" },
            Column("orders", isNumber: true) { "\($0.orders)" },
            Column("last", isNumber: true, plain: { $0.lastSeenAt.ISO8601Format() }) { now.timeIntervalSince($0.lastSeenAt).age },
            Column("24 hours", plain: { $0.perHour.map(String.init).joined(separator: ",") }) { $0.perHour.sparkline }, Column("state") { $0.mark },
            Column("operation") { $0.operation ?? $0.service ?? "-" }, Column("what") { $0.title },
        ]
    }

    /// Its name, or what it is.
    var title: String { name ?? "\(cause): \(text)" }

    /// Its state, and whether its cause has returned.
    var mark: String {
        switch returned {
        case "replay": "\(state), back after a replay"
        case "resolved": "\(state), back after it was resolved"
        default: state
        }
    }
}

extension [Int] {
    private static let bars: [Character] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]

    /// A character for each number, with a height in proportion to the largest number; a blank for zero.
    var sparkline: String {
        guard let largest = self.max(), largest > 0 else { return String(repeating: " ", count: count) }
        let bars = Self.bars
        return String(
            map { value in
                guard value > 0 else { return " " }
                let height = Int((Double(value) / Double(largest) * Double(bars.count)).rounded(.up)) - 1
                return bars.dropFirst(Swift.min(Swift.max(height, 0), bars.count - 1)).first ?? " "
            })
    }
}
