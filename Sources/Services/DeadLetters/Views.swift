import Contracts
import FoundationEssentials
import Secrets

struct LetterSummaryView: Sendable, Codable {
    @PublicID var id: UUID
    let messageId: String?
    let operation: String?
    let queue: String
    let cause: String
    let detail: String
    let attempts: Int
    let state: DeadLetterState
    /// How often it has arrived.
    let seen: Int
    let firstSeenAt: Date
    let lastSeenAt: Date
    let settledAt: Date?
    let settledBy: String?
    let service: String
    @PublicID var group: UUID
    let orderId: String?
    let orderNumber: String?
    let cartId: String?
    let customerId: String?
    let traceId: String?
    let firstFailedAt: Date
    let edited: Bool

    init(_ letter: DeadLetterSummary) {
        id = letter.id
        messageId = letter.messageID
        operation = letter.operation
        queue = letter.queue
        cause = letter.cause
        detail = letter.detail
        attempts = letter.attempts
        state = letter.state
        seen = letter.seen
        firstSeenAt = letter.firstSeenAt
        lastSeenAt = letter.lastSeenAt
        settledAt = letter.settledAt
        settledBy = letter.settledBy
        service = letter.service
        group = letter.group
        orderId = letter.references.order?.lowerCaseText
        orderNumber = letter.references.orderNumber
        cartId = letter.references.cart?.lowerCaseText
        customerId = letter.references.customer?.lowerCaseText
        traceId = letter.references.trace
        firstFailedAt = letter.firstFailedAt
        edited = letter.isEdited
    }
}

struct LettersView: Sendable, Codable {
    let items: [LetterSummaryView]
    let nextCursor: String?
    /// On the first page only.
    let causes: [CauseCount]?
}

struct LetterView: Sendable, Encodable {
    let summary: LetterSummaryView
    let letter: DeadLetter

    private enum Keys: String, CodingKey {
        case properties, headers, history, body, bodyEncoding, bodyBytes, bodyOffset, nextBodyOffset, original, edit, audit
    }

    func encode(to encoder: any Encoder) throws {
        try summary.encode(to: encoder)
        var container = encoder.container(keyedBy: Keys.self)
        try container.encode(letter.properties, forKey: .properties)
        try container.encode(letter.headers, forKey: .headers)
        try container.encode(letter.history, forKey: .history)
        let body = letter.body
        try container.encode(body.text ?? Base64.encode(body.bytes), forKey: .body)
        try container.encode(body.text == nil ? "base64" : "text", forKey: .bodyEncoding)
        try container.encode(letter.bodyBytes, forKey: .bodyBytes)
        if body.offset > 0 { try container.encode(body.offset, forKey: .bodyOffset) }
        try container.encodeIfPresent(body.next, forKey: .nextBodyOffset)
        try container.encode(Base64.encode(letter.original), forKey: .original)
        try container.encodeIfPresent(letter.edit.map(EditView.init), forKey: .edit)
        try container.encode(letter.audit, forKey: .audit)
    }
}

struct EditView: Sendable, Codable {
    let body: String
    let by: String
    let at: Date
    let sent: Bool

    init(_ edit: DeadLetter.Edit) {
        body = String(decoding: edit.body, as: UTF8.self)
        by = edit.by
        at = edit.at
        sent = edit.wasSent
    }
}
