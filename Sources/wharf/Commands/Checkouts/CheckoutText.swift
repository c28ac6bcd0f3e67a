import Contracts
import FoundationEssentials
import Operator
import Terminal

/// One checkout as text.
struct CheckoutText: Sendable {
    private static let labelWidth = 12
    /// The width assumed for a terminal that does not report one.
    private static let usualColumns = 100
    private static let minimumBar = 10

    let report: CheckoutReport
    let terminal: Terminal

    init(_ report: CheckoutReport, terminal: Terminal) {
        self.report = report
        self.terminal = terminal
    }

    private var paint: Paint { terminal.paint }

    var text: String {
        guard let columns = terminal.columns else { return plain }
        return (heading + section("Steps", steps) + section("Operators", actions) + section("Messages", waterfall(columns))).flatMap { $0.wrapped(toVisible: columns) }.map { $0 + "\n" }.joined()
    }

    /// The heading and the steps alone.
    var summary: [String] { heading + section("Steps", steps) }

    // MARK: For people

    private var heading: [String] {
        var fields = [
            ("order", "\(report.number)  \(report.orderId)"),
            ("state", report.orderState + (report.reason.map { " (\($0))" } ?? "")),
            ("checkout", report.state + (report.retries > 0 ? ", requested \(report.retries + 1) times" : "") + (report.isStuck ? ", stuck" : "")),
            ("placed", report.placedAt.ISO8601Format()),
            ("customer", "\(report.customer.name) <\(report.customer.email)>" + (report.customer.id.map { "  \($0)" } ?? ", a guest")),
            ("payment", "\(report.payment.state) by \(report.payment.gateway), \(report.payment.total.text)" + refunded),
        ]
        if let due = report.dueAt { fields.append(("repeats at", "\(due.ISO8601Format()), and gives up after \(report.deadline.ISO8601Format())")) }
        if let assignment = report.assignment { fields.append(("assigned to", "\(assignment.assignee) by \(assignment.by), \(assignment.at.ISO8601Format())")) }
        return fields.map { paint.dim($0.padded(to: Self.labelWidth)) + " " + $1.printable }
    }

    private var refunded: String { report.payment.refunded.amount > 0 ? ", \(report.payment.refunded.text) refunded" : "" }

    private func section(_ title: String, _ lines: [String]) -> [String] { lines.isEmpty ? [] : ["", paint.bold(title)] + lines }

    private var steps: [String] {
        report.timeline.map { step in
            let after = step.milliseconds.map(\.duration) ?? ""
            return "\(step.at.ISO8601Format())  \(after.leftPadded(to: 8))  \(step.state.printable.padded(to: 16))  \(step.detail.printable)" + (step.by.map { " (\($0.printable))" } ?? "")
        }
    }

    private var actions: [String] {
        report.actions.map { "\($0.at.ISO8601Format())  \($0.actor.printable): \($0.action.printable)" + ($0.detail.map { " \($0.printable)" } ?? "") }
    }

    /// A bar for each message from when it was sent to when it was handled, in proportion to the whole.
    func waterfall(_ columns: Int) -> [String] {
        let times = report.messages.flatMap { [$0.sentAt, $0.handledAt].compactMap(\.self) }
        guard let start = times.min(), let end = times.max() else { return missing }
        let labels = report.messages.map { String(repeating: "  ", count: $0.depth) + ($0.operation ?? "a request").printable }
        let width = labels.map(\.count).max() ?? 0
        let bar = max(Self.minimumBar, columns - width - 2 - 10)
        let scale = Double(bar) / max(end.timeIntervalSince(start), 0.001)
        func place(_ time: Date) -> Int { min(bar - 1, max(0, Int(time.timeIntervalSince(start) * scale))) }
        let lines = zip(report.messages, labels).map { message, label in
            let note = message.handledAt == nil ? "waits" : message.milliseconds.map(\.duration) ?? ""
            let first = place(message.sentAt ?? message.handledAt ?? end)
            let last = max(first, place(message.handledAt ?? end))
            let body = String(repeating: " ", count: first) + String(repeating: message.handledAt == nil ? "·" : "█", count: last - first + 1)
            return "\(label.padded(to: width))  \(note.leftPadded(to: 8))  " + (message.handledAt == nil ? paint.bad(body) : paint.accent(body))
        }
        let all = Int((end.timeIntervalSince(start) * 1_000).rounded()).duration
        return [paint.dim("\(report.messages.count) messages in \(all), from \(start.ISO8601Format())")] + lines + missing
    }

    private var missing: [String] {
        report.unanswered.isEmpty ? [] : [paint.bad("No answer from \(report.unanswered.joined(separator: ", ").printable): their messages are missing.")]
    }

    // MARK: For programs

    private var plain: String {
        let head = [
            ["order", report.orderId], ["number", report.number], ["state", report.orderState], ["reason", report.reason ?? ""], ["checkout", report.state],
            ["repeated", "\(report.retries)"], ["stuck", "\(report.isStuck)"], ["placed", report.placedAt.ISO8601Format()], ["customer", report.customer.email],
            ["payment", report.payment.state], ["total", report.payment.total.text], ["assigned", report.assignment?.assignee ?? ""],
            ["unanswered", report.unanswered.joined(separator: ",")],
        ]
        let steps = report.timeline.map { ["step", $0.at.ISO8601Format(), $0.state, $0.milliseconds.map(String.init) ?? "", $0.detail, $0.by ?? ""] }
        let actions = report.actions.map { ["action", $0.at.ISO8601Format(), $0.actor, $0.action, $0.detail ?? ""] }
        let messages = report.messages.map { message in
            [
                "message", "\(message.depth)", message.operation ?? "", message.service ?? "", message.sentAt?.ISO8601Format() ?? "", message.handledAt?.ISO8601Format() ?? "",
                message.milliseconds.map(String.init) ?? "", message.id,
            ]
        }
        return (head + steps + actions + messages).map { $0.map(\.printable).joined(separator: "\t") + "\n" }.joined()
    }
}

extension String {
    fileprivate func leftPadded(to width: Int) -> String { String(repeating: " ", count: Swift.max(0, width - count)) + self }
}
