import FoundationEssentials
import JSON
import Terminal

/// One letter as lines of text.
struct LetterText: Sendable {
    private static let labelWidth = 12

    let whole: WholeLetter
    let terminal: Terminal

    init(_ whole: WholeLetter, terminal: Terminal) {
        self.whole = whole
        self.terminal = terminal
    }

    private var paint: Paint { terminal.paint }

    var lines: [String] {
        heading + section("Attempts", attempts) + section("Body" + (whole.edit == nil ? "" : ", as edited by \(whole.edit?.by.printable ?? "")"), body)
            + section("Headers", members(whole.headers)) + section("Properties", members(whole.properties)) + section("Decisions", decisions)
    }

    private var heading: [String] {
        let letter = whole.letter
        var fields = [("letter", letter.id), ("state", letter.state + (letter.settledBy.map { " by \($0)" } ?? "")), ("cause", "\(letter.cause): \(letter.detail)")]
        fields.append(("operation", "\(letter.operation ?? "unknown") from \(letter.queue)"))
        fields.append(("message", letter.messageId ?? "without an id"))
        if let order = letter.orderId { fields.append(("order", (letter.orderNumber.map { "\($0)  " } ?? "") + order)) }
        if let customer = letter.customerId { fields.append(("customer", customer)) }
        if let cart = whole.cartId { fields.append(("cart", cart)) }
        if let trace = whole.traceId { fields.append(("trace", trace)) }
        if let group = letter.group { fields.append(("group", group)) }
        fields.append(
            (
                "failed",
                "first \((letter.firstFailedAt ?? letter.firstSeenAt).ISO8601Format()), last \(letter.lastSeenAt.ISO8601Format()), after \(letter.attempts ?? 0) attempts; arrived \(letter.seen ?? 1) times"
            ))
        return fields.map { paint.dim($0.padded(to: Self.labelWidth)) + " " + $1.printable }
    }

    private func section(_ title: String, _ lines: [String]) -> [String] { lines.isEmpty ? [] : ["", paint.bold(title)] + lines }

    private var attempts: [String] {
        whole.history.map { "\($0.at.ISO8601Format())  \($0.worker.printable)  \($0.cause.printable): \($0.detail.printable)" }
    }

    /// JSON is indented; for other than text, only the size is shown.
    private var body: [String] {
        guard whole.isText else { return ["\(whole.bodyBytes) bytes that are not text; --json shows them in Base64"] }
        let text = whole.edit?.body ?? whole.body
        let missing = text.utf8.count < whole.bodyBytes && whole.edit == nil ? ["… \(whole.bodyBytes) bytes in all"] : []
        return PrettyJSON.lines(of: text) + missing
    }

    private func members(_ value: JSONValue?) -> [String] {
        guard case .object(let members)? = value else { return [] }
        return members.sorted { $0.key < $1.key }.map { name, value in
            let text = if case .string(let text) = value { text } else { value.description }
            return paint.dim("\(name.printable):") + " \(text.printable)"
        }
    }

    private var decisions: [String] {
        whole.audit.map { "\($0.at.ISO8601Format())  \($0.actor.printable): \($0.action.printable)" }
    }
}

/// Readable JSON: members sorted by name, one per line.
enum PrettyJSON {
    /// The text itself, line by line, where it is not JSON.
    static func lines(of text: String) -> [String] {
        guard let value = try? JSON.decode(JSONValue.self, from: Array(text.utf8)) else {
            return text.split(separator: "\n", omittingEmptySubsequences: false).map { String($0).printable }
        }
        return lines(value, "")
    }

    static func text(_ value: JSONValue) -> String { lines(value, "").map { $0 + "\n" }.joined() }

    private static func lines(_ value: JSONValue, _ indent: String) -> [String] {
        let inner = indent + "  "
        func block(_ open: String, _ close: String, _ parts: [(String, JSONValue)]) -> [String] {
            guard !parts.isEmpty else { return [indent + open + close] }
            let bodies = parts.enumerated().flatMap { place, part in
                var lines = Self.lines(part.1, inner)
                if let first = lines.first { lines = [inner + part.0 + first.dropFirst(inner.count)] + lines.dropFirst() }
                if place < parts.count - 1, let last = lines.popLast() { lines.append(last + ",") }
                return lines
            }
            return [indent + open] + bodies + [indent + close]
        }
        switch value {
        case .object(let members): return block("{", "}", members.sorted { $0.key < $1.key }.map { (quoted($0.key) + ": ", $0.value) })
        case .array(let elements): return block("[", "]", elements.map { ("", $0) })
        default: return [indent + scalar(value)]
        }
    }

    private static func quoted(_ text: String) -> String { scalar(.string(text)) }

    private static func scalar(_ value: JSONValue) -> String {
        // In an array, because not every coder encodes a top-level value.
        guard let bytes = try? JSON.encode([value]) else { return value.description }
        return String(decoding: bytes.dropFirst().dropLast(), as: UTF8.self).printable
    }
}

/// What is known about the order that a letter names.
enum OrderContext {
    /// The order's checkout and payment, or a line that says why they are missing.
    static func of(_ order: String, message: String?, _ requests: any OperatorRequests, terminal: Terminal) async -> String {
        let title = "\n" + terminal.paint.bold("Order") + "\n"
        do {
            let report: CheckoutReport = try await requests.get("orders.checkouts.get", ["id": order])
            return title + CheckoutText(report, terminal: terminal).summary.map { $0 + "\n" }.joined() + "\n\(inbox(report, message))\n"
        } catch {
            return title + "\("\(error)".printable)\n"
        }
    }

    /// Whether a service has handled the message, as far as the order's messages can be followed.
    private static func inbox(_ report: CheckoutReport, _ message: String?) -> String {
        guard let id = message?.lowercased(), let found = report.messages.first(where: { $0.id == id }) else {
            return "The inboxes have no such message for this order, so it is unknown whether it was handled."
        }
        guard let at = found.handledAt else { return "The message was not handled." }
        return "The message was handled by \(found.service?.printable ?? "a service") at \(at.ISO8601Format()); a replay has no second effect."
    }
}
