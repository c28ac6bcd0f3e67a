import FoundationEssentials
import JSON

/// A mail or a text message that the sandbox has accepted.
struct RecordedMessage: Sendable, Equatable {
    enum Vendor: String, Sendable {
        case sendgrid, twilio
    }

    let id: String
    let vendor: Vendor
    let from, to: String
    /// Empty for a text message.
    var subject = ""
    let text: String
    /// Empty for a text message.
    var html = ""
    /// Headers that the sender has set.
    var headers: [String: String] = [:]
    let at: Date

    func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("id", id)
            writer.field("vendor", vendor.rawValue)
            writer.field("from", from)
            writer.field("to", to)
            writer.field("subject", subject)
            writer.field("text", text)
            writer.field("html", html)
            writer.field("headers", headers)
            writer.field("at", at.ISO8601Format())
        }
    }
}
