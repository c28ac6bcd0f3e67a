import Contracts
import FoundationEssentials
import JSON
import Operator
import Terminal

/// Replays, discards or restores one letter, after a confirmation.
enum LetterDecisions {
    static let routes = [LetterDecision.replay, .discard, .restore].flatMap { decision in
        [
            Route(.get, "letters/:id/\(decision.rawValue)", .letters) { try await confirm(decision, $0) },
            Route(.post, "letters/:id/\(decision.rawValue)", .letters) { try await decide(decision, $0) },
        ]
    }

    private static func decide(_ decision: LetterDecision, _ visit: Visit) async throws -> Outcome {
        var options: [String: JSONValue] = [:]
        for name in ["pastMemory", "reconcile"] where decision == .replay && visit.form[name] == "true" { options[name] = true }
        try await visit.services.accepted(decision.operation, decision.durability, ["id": visit.id], options.isEmpty ? [] : try JSON.encode(options))
        return .done(decision.notice, "letters", visit.id)
    }

    private static func confirm(_ decision: LetterDecision, _ visit: Visit) async throws -> Outcome {
        let whole: WholeLetter = try await visit.services.ask(.letter, ["id": visit.id])
        let services = visit.services
        var report: CheckoutReport?
        if let order = whole.letter.orderId, decision == .replay { report = try? await services.ask(.checkout, ["id": order]) }
        return .page(confirmation(decision, whole, report).page(visit.page))
    }

    static func confirmation(_ decision: LetterDecision, _ whole: WholeLetter, _ report: CheckoutReport?) -> Confirmation {
        let letter = whole.letter
        return Confirmation(
            title: "\(decision.title) this letter?", section: .letters, effect: effect(decision, whole, report), action: Link.to("letters", letter.id, decision.rawValue),
            button: decision.title, tone: decision == .discard ? .bad : .accent, back: Link.to("letters", letter.id),
            fields: decision == .replay
                ? Field.check("Even if it is older than the services' memory of 7 days. If it was handled before it died, it is handled a second time.", "pastMemory", false)
                    + Field.check("Even if it is a charge older than 20 hours. Payments looks for the payment at the gateway before it charges.", "reconcile", false) : .nothing)
    }

    private static func effect(_ decision: LetterDecision, _ whole: WholeLetter, _ report: CheckoutReport?) -> Markup {
        let letter = whole.letter
        let facts = Part.facts([
            ("Letter", Part.link((letter.operation ?? letter.queue).printable, Link.to("letters", letter.id))), ("State", LettersPage.state(letter)),
            ("Cause", "\(letter.cause.printable)"), ("Queue", Part.code(letter.queue)),
            ("Body", whole.edit.map { "as edited by \($0.by.printable)" } ?? "the original, \(whole.bodyBytes) bytes"),
            ("Order", report.map { "\($0.number.printable), \($0.orderState.printable), payment \($0.payment.state.printable)" }),
        ])
        let text: Markup =
            switch decision {
            case .replay:
                """
                <p>The message goes back to its queue under its original id, so it takes effect once, however often it is replayed.</p>\
                \(report.map { "<p>\($0.handling(ofMessage: letter.messageId))</p>" as Markup } ?? .nothing)
                """
            case .discard: "<p>The message is not sent again. The letter is kept and can be restored.</p>"
            case .restore: "<p>The letter is open again, so it can be replayed.</p>"
            }
        let isFor = letter.state == decision.from || decision == .replay && letter.state == "replayed"
        let warning = isFor ? Markup.nothing : Part.note("<p>The letter is \(letter.state.printable) at the moment, so the service may refuse.</p>", .warn)
        return facts + text + warning
    }
}
