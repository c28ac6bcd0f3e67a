import FoundationEssentials
import Messaging
import WebClient

/// A callback from Twilio: the state of a message, or a message sent to the shop's number, of which only STOP and START matter.
enum TwilioCallback: Sendable, Equatable {
    case report(DeliveryReport)
    /// The owner of this number no longer wants messages, or wants them again.
    case choice(number: String, wantsMessages: Bool)
    case other

    /// Twilio's words for English; with other words, and in other languages, it names the choice itself.
    private static let stop: Set = ["STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"]
    private static let start: Set = ["START", "YES", "UNSTOP"]

    static func read(_ request: Request) throws -> TwilioCallback {
        let fields = Dictionary(PercentEncoding.fields(request.body) ?? [], uniquingKeysWith: { _, last in last })
        if let report = DeliveryReport(fields, notification: request.parameters["notification"]) { return .report(report) }
        guard let number = fields["From"].flatMap(PhoneNumber.international), let text = fields["Body"] else { return .other }
        switch fields["OptOutType"] ?? word(text) {
        case "STOP": return .choice(number: number, wantsMessages: false)
        case "START": return .choice(number: number, wantsMessages: true)
        default: return .other
        }
    }

    private static func word(_ text: String) -> String? {
        let word = text.filter { !$0.isWhitespace }.uppercased()
        return stop.contains(word) ? "STOP" : start.contains(word) ? "START" : nil
    }
}
