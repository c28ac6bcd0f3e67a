import FoundationEssentials
import JSON
import Secrets
import Terminal

/// A dead letter in a list. Services of an earlier version leave out what they do not know.
package struct Letter: Decodable, Sendable, Equatable {
    package let id: String
    package let messageId: String?
    package let service: String?
    package let operation: String?
    package let queue: String
    package let cause: String
    package let detail: String
    package let attempts: Int?
    package let state: String
    package let seen: Int?
    package let firstFailedAt: Date?
    package let firstSeenAt: Date
    package let lastSeenAt: Date
    package let settledAt: Date?
    package let settledBy: String?
    package let group: String?
    package let orderId: String?
    package let orderNumber: String?
    package let customerId: String?
    package let edited: Bool?

    package static func columns(at now: Date) -> [Column<Letter>] {
        [
            Column("id") { $0.id }, Column("age", isNumber: true, plain: { $0.lastSeenAt.ISO8601Format() }) { now.timeIntervalSince($0.lastSeenAt).age },
            Column("state") { $0.state + ($0.edited == true ? " edited" : "") },
            Column("operation") { $0.operation ?? $0.queue }, Column("order") { $0.orderNumber ?? $0.orderId ?? "-" }, Column("cause") { $0.cause },
            Column("detail") { $0.detail },
        ]
    }
}

/// One dead letter with all its details, but only the beginning of a large body.
package struct WholeLetter: Decodable, Sendable {
    package struct Attempt: Decodable, Sendable {
        package let at: Date
        package let worker: String
        package let cause: String
        package let detail: String
    }

    package struct Decision: Decodable, Sendable {
        package let at: Date
        package let actor: String
        package let action: String
    }

    package struct Edit: Decodable, Sendable {
        package let body: String
        package let by: String
        package let at: Date
    }

    package let letter: Letter
    package let body: String
    package let bodyEncoding: String
    /// The size of the whole body.
    package let bodyBytes: Int
    package let properties: JSONValue?
    package let headers: JSONValue?
    package let history: [Attempt]
    package let audit: [Decision]
    package let edit: Edit?
    package let traceId: String?
    package let cartId: String?

    private enum Member: String, CodingKey {
        case body, bodyEncoding, bodyBytes, properties, headers, history, audit, edit, traceId, cartId
    }

    package init(from decoder: any Decoder) throws {
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

    package var isText: Bool { bodyEncoding == "text" }

    /// Which part of the body this is; nil if it is the whole body.
    package var cut: String? {
        let shown = isText ? body.utf8.count : Base64.decode(body)?.count ?? 0
        return shown < bodyBytes ? "the first \(shown) of \(bodyBytes) bytes" : nil
    }

    /// The original body as text.
    /// - Throws: ``UnavailableBody`` if it is not text or is incomplete.
    package func originalText() throws(UnavailableBody) -> String {
        guard isText else { throw UnavailableBody(description: "The body is not text.") }
        if let cut { throw UnavailableBody(description: "Only \(cut) of the body are shown, so it can be neither edited nor compared.") }
        return body
    }

    /// The text that a replay sends, for editing.
    /// - Throws: ``UnavailableBody`` if it is the original body, which is not text or is incomplete.
    package func currentText() throws(UnavailableBody) -> String {
        if let edit { return edit.body }
        return try originalText()
    }
}

/// Why the whole text of a body is not available.
package struct UnavailableBody: Error, Equatable, CustomStringConvertible {
    package let description: String
}

/// Letters with one cause.
package struct LetterGroup: Decodable, Sendable {
    package let id: String
    package let service: String?
    package let operation: String?
    package let cause: String
    package let text: String
    package let count: Int
    package let open: Int
    package let orders: Int
    package let firstSeenAt: Date
    package let lastSeenAt: Date
    package let perHour: [Int]
    package let example: String?
    package let name: String?
    package let note: String?
    package let state: String
    package let returned: String?

    package static func columns(at now: Date) -> [Column<LetterGroup>] {
        [
            Column("group") { $0.id }, Column("open", isNumber: true) { "\($0.open)" }, Column("all", isNumber: true) { "\($0.count)" },
            Column("orders", isNumber: true) { "\($0.orders)" },
            Column("last", isNumber: true, plain: { $0.lastSeenAt.ISO8601Format() }) { now.timeIntervalSince($0.lastSeenAt).age },
            Column("24 hours", plain: { $0.perHour.map(String.init).joined(separator: ",") }) { $0.perHour.sparkline }, Column("state") { $0.mark },
            Column("operation") { $0.operation ?? $0.service ?? "-" }, Column("what") { $0.title },
        ]
    }

    /// Its name, or what it is.
    package var title: String { name ?? "\(cause): \(text)" }

    /// Its state, and whether its cause has returned.
    package var mark: String {
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
    package var sparkline: String {
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
