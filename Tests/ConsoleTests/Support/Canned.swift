import Messaging

@testable import Console

/// The services' answers, with markup in every text from others.
enum Canned {
    static let mark = #"<script>alert("x")</script>'&"#
    static let id = "7d0e2f4a-1b3c-4d5e-8f60-9a1b2c3d4e5f"
    static let order = "3d1b8c56-0d4f-4a8c-9e57-6f2a1b9c7d33"

    static func reply(to request: Request) -> Reply {
        guard let operation = ConsoleOperation(rawValue: request.operation) else { return Reply(status: 404) }
        let dryRun = String(decoding: request.body, as: UTF8.self).contains("dryRun")
        let text: String? =
            switch operation {
            case .groups: #"{"items": [\#(group)], "nextCursor": "next+/="}"#
            case .letters: #"{"items": [\#(letter(""))], "nextCursor": "next+/="}"#
            case .letter: letter(whole)
            case .letterStats: #"{"states": {"open": 3, "handled": 5}, "services": [{"service": "\#(text)", "open": 3, "oldest": "2026-01-15T09:31:40.000Z"}], "perHour": [\#(hours)]}"#
            case .audit: #"{"items": []}"#
            case .jobs: #"{"items": [\#(job)], "nextCursor": "next+/="}"#
            case .job: job
            case .startJob: dryRun ? #"{"selected": 300, "orders": 297, "byCause": [{"cause": "\#(text)", "queue": "\#(text)", "count": 300}]}"# : job
            case .waiting: #"{"items": [\#(waitingLine)], "nextCursor": "next+/=", "causes": [\#(waitingCause)]}"#
            case .sendWaiting: #"{"selected": 309, "orders": 300, "byCause": [{"service": "\#(text)", "operation": "\#(text)", "cause": "\#(text)", "count": 309}]}"#
            case .orders: #"{"items": [{"id": "\#(order)"}]}"#
            case .checkouts: #"{"items": [\#(checkoutLine)], "nextCursor": "next+/="}"#
            case .checkout: checkout
            case .payments: #"{"items": [\#(payment)], "nextCursor": "next+/="}"#
            case .settlePayment: #"{"kind": "refund", "id": "\#(id)", "orderId": "\#(order)"}"#
            case .notifications: #"{"items": [\#(notification)], "nextCursor": "next+/="}"#
            default: nil
            }
        guard let text else { return Reply(status: operation == .replay ? 202 : 204) }
        return Reply(status: 200, body: Array(text.utf8))
    }

    /// The mark in JSON.
    private static let text = mark.replacing("\"", with: "\\\"")
    private static let hours = (0..<24).map { "\($0 % 5)" }.joined(separator: ",")
    private static let money = #"{"amount": 11980, "currency": "EUR"}"#

    private static let group = """
        {"id": "\(id)", "service": "\(text)", "operation": "\(text)", "cause": "\(text)", "text": "\(text)", "count": 12, "open": 3, "orders": 2,
         "firstSeenAt": "2026-01-15T09:31:40.000Z", "lastSeenAt": "2026-01-15T09:31:40.000Z", "perHour": [\(hours)], "example": "\(id)", "name": "\(text)", "note": "\(text)",
         "state": "open", "returned": "replay"}
        """

    private static func letter(_ rest: String) -> String {
        """
        {"id": "\(id)", "messageId": "\(text)", "operation": "\(text)", "queue": "\(text)", "cause": "\(text)", "detail": "\(text)", "attempts": 8, "state": "open", "seen": 2,
         "firstSeenAt": "2026-01-15T09:31:40.000Z", "lastSeenAt": "2026-01-15T09:31:40.000Z", "service": "\(text)", "group": "\(id)", "orderId": "\(order)",
         "orderNumber": "\(text)", "customerId": "\(text)", "firstFailedAt": "2026-01-15T09:00:12.000Z", "edited": true\(rest)}
        """
    }

    /// With the beginning of its body.
    static let cutLetter = letter(#", "body": "beginning", "bodyEncoding": "text", "bodyBytes": 13631488, "nextBodyOffset": 9"#)

    private static let whole = """
        , "properties": {"\(text)": "\(text)"}, "headers": {"\(text)": "\(text)"}, "body": "{\\"a\\": \\"<script>b</script>\\"}", "bodyEncoding": "text", "bodyBytes": 27,
         "history": [{"at": "2026-01-15T09:31:40.000Z", "worker": "\(text)", "cause": "\(text)", "detail": "\(text)"}],
         "edit": {"body": "{\\"a\\": \\"<i>c</i>\\"}", "by": "\(text)", "at": "2026-01-15T09:31:40.000Z"}, "traceId": "\(text)", "cartId": "\(text)",
         "audit": [{"at": "2026-01-15T09:31:40.000Z", "actor": "\(text)", "action": "\(text)"}]
        """

    private static let job = """
        {"id": "\(id)", "action": "replay", "filter": {"cause": "\(text)"}, "state": "stopped", "phase": "acting", "reason": "\(text)", "selected": 300, "sent": 120, "handled": 90,
         "diedAgain": 30, "unknown": 0, "skipped": 2, "skips": {"\(text)": 2}, "rate": 5, "startedAt": "2026-01-15T09:31:40.000Z", "startedBy": "\(text)",
         "orders": {"\(text)": 5}}
        """

    private static let waitingLine = """
        {"id": "\(id)", "messageId": "\(text)", "service": "\(text)", "queue": "\(text)", "operation": "\(text)", "cause": "\(text)", "detail": "\(text)", "attempt": 5,
         "since": "2026-01-15T09:20:03.120Z", "setAsideAt": "2026-01-15T09:23:41.870Z", "dueAt": "2026-01-15T09:35:41.870Z", "isSendable": true, "orderId": "\(order)",
         "orderNumber": "\(text)"}
        """

    private static let waitingCause = """
        {"service": "\(text)", "operation": "\(text)", "cause": "\(text)", "text": "\(text)", "count": 309, "sent": 0, "orders": 300, "since": "2026-01-15T09:20:03.120Z",
         "nextDueAt": "2026-01-15T09:35:41.870Z", "lastDueAt": "2026-01-15T09:38:12.004Z"}
        """

    private static let checkoutLine = """
        {"orderId": "\(order)", "number": "\(text)", "state": "voiding", "retries": 4, "isStuck": true, "placedAt": "2026-01-15T09:31:38.000Z", "paymentState": "\(text)",
         "total": \(money), "email": "\(text)", "assignee": "\(text)"}
        """

    private static let checkout = """
        {"orderId": "\(order)", "number": "\(text)", "state": "voiding", "orderState": "pending", "reason": "\(text)", "retries": 4, "allRetries": 4, "isStuck": true,
         "placedAt": "2026-01-15T09:31:38.000Z", "dueAt": "2026-01-15T09:51:38.000Z", "deadline": "2026-01-15T09:46:38.000Z",
         "customer": {"id": "\(text)", "name": "\(text)", "email": "\(text)"}, "payment": {"state": "\(text)", "gateway": "\(text)", "total": \(money), "refunded": \(money)},
         "assignment": {"assignee": "\(text)", "at": "2026-01-15T09:31:38.000Z", "by": "\(text)"},
         "timeline": [{"at": "2026-01-15T09:31:38.000Z", "state": "\(text)", "detail": "\(text)", "by": "\(text)", "milliseconds": 420}],
         "actions": [{"at": "2026-01-15T09:31:38.000Z", "actor": "\(text)", "action": "\(text)", "detail": "\(text)"}],
         "messages": [{"id": "\(id)", "depth": 1, "operation": "\(text)", "service": "\(text)", "sentAt": "2026-01-15T09:31:38.000Z", "handledAt": "2026-01-15T09:31:38.500Z",
                       "milliseconds": 500},
                      {"id": "\(order)", "depth": 40, "operation": "\(text)", "sentAt": "2026-01-15T09:31:38.200Z"}],
         "unanswered": ["\(text)"]}
        """

    private static let payment = """
        {"kind": "refund", "id": "\(text)", "orderId": "\(order)", "amount": \(money), "detail": "\(text)", "since": "2026-01-15T09:30:00.000Z"}
        """

    private static let notification = """
        {"id": "\(id)", "orderId": "\(order)", "kind": "\(text)", "channel": "\(text)", "recipient": "\(text)", "result": "failed", "detail": "\(text)",
         "createdAt": "2026-01-15T09:30:01.000Z", "requestedBy": "\(text)", "delivery": {"state": "\(text)", "detail": "\(text)", "at": "2026-01-15T09:30:01.000Z"},
         "unreachable": {"cause": "\(text)", "detail": "\(text)", "since": "2026-01-15T09:30:01.000Z"}}
        """
}
