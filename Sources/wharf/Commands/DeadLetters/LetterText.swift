import FoundationEssentials
import JSON
import Operator
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
                "first \((letter.firstFailedAt ?? letter.firstSeenAt).ISO8601Format()), last \(letter.lastSeenAt.ISO8601Format()), after \(Self.count(letter.attempts ?? 0, "attempt")); arrived \(letter.seen == 1 ? "once" : "\(letter.seen ?? 1) times")"
            ))
        return fields.map { paint.dim($0.padded(to: Self.labelWidth)) + " " + $1.printable }
    }

    private static func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }

    private func section(_ title: String, _ lines: [String]) -> [String] { lines.isEmpty ? [] : ["", paint.bold(title)] + lines }

    private var attempts: [String] {
        whole.history.map { "\($0.at.ISO8601Format())  \($0.worker.printable)  \($0.cause.printable): \($0.detail.printable)" }
    }

    /// JSON is indented; for other than text, only the size is shown.
    private var body: [String] {
        if let edit = whole.edit { return PrettyJSON.lines(of: edit.body) }
        guard whole.isText else { return ["\(whole.bodyBytes) bytes that are not text; --json shows \(whole.cut ?? "them") in Base64"] }
        return PrettyJSON.lines(of: whole.body) + (whole.cut.map { ["… \($0)"] } ?? [])
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

/// The facts about the order that a letter names.
enum OrderContext {
    /// The order's checkout and payment, or a line that says why they are missing.
    static func of(_ order: String, message: String?, _ requests: any OperatorRequests, terminal: Terminal) async -> String {
        let title = "\n" + terminal.paint.bold("Order") + "\n"
        do {
            let report: CheckoutReport = try await requests.get("orders.checkouts.get", ["id": order])
            return title + CheckoutText(report, terminal: terminal).summary.map { $0 + "\n" }.joined() + "\n\(report.handling(ofMessage: message))\n"
        } catch {
            return title + "\("\(error)".printable)\n"
        }
    }
}
