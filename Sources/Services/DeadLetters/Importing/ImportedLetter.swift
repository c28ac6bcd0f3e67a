import Contracts
import FoundationEssentials
import JSON
import Messaging
import Secrets

/// A letter as `deadletters.letters.get` returns it: everything about it except its audit log. Derived members are recomputed. If `bodyOffset` is greater than zero,
/// only the body is used: it continues the stored one.
struct ImportedLetter: Sendable, Decodable {
    let id: UUID
    let messageId: String?
    let operation: String?
    let queue: String
    let cause: String
    let detail: String
    let attempts: Int
    let state: DeadLetterState
    let seen: Int
    let firstSeenAt: Date
    let lastSeenAt: Date
    let settledAt: Date?
    let settledBy: String?
    let firstFailedAt: Date?
    let properties: [String: JSONValue]
    let headers: [String: JSONValue]
    let history: [FailedAttempt]
    let body: String
    let bodyEncoding: String
    let bodyBytes: Int
    let bodyOffset: Int?
    let original: String
    let edit: EditView?

    static func read(_ request: Request) throws -> ImportedLetter {
        let syntax: JSONSyntax
        do throws(JSONSyntax.Fault) {
            syntax = try JSONSyntax(checking: request.body)
        } catch {
            throw Problem.malformedJSON("The body is not valid JSON: \(error).")
        }
        if syntax.holdsNUL { throw Problem.invalidInput("letter", "must not hold U+0000") }
        let letter: ImportedLetter
        do {
            letter = try JSON.decode(from: request.body)
        } catch let error as DecodingError {
            throw Problem.invalidInput("letter", error.flaw)
        }
        if let flaw = letter.flaw { throw Problem.invalidInput(flaw.field, flaw.detail) }
        return letter
    }

    /// The body as bytes; nil if it does not match its encoding.
    var bytes: [UInt8]? {
        switch bodyEncoding {
        case "text": Array(body.utf8)
        case "base64": Base64.decode(body)
        default: nil
        }
    }

    /// Where this part begins in the whole body.
    var offset: Int { bodyOffset ?? 0 }

    var part: LetterPart { LetterPart(id: id, bodyOffset: offset) }

    /// What a replay is made from; nil when it cannot be read.
    var source: Original? {
        Base64.decode(original).flatMap { try? JSON.decode(Original.self, from: $0) }
    }

    private var flaw: (field: String, detail: String)? {
        let names = [("messageId", messageId ?? ""), ("operation", operation ?? ""), ("queue", queue), ("cause", cause)]
        if let long = names.first(where: { $0.1.count > NewLetter.maximumName }) { return (long.0, "must have at most \(NewLetter.maximumName) characters") }
        if detail.count > FailedAttempt.maximumDetail { return ("detail", "must have at most \(FailedAttempt.maximumDetail) characters") }
        if history.count > NewLetter.maximumHistory { return ("history", "must have at most \(NewLetter.maximumHistory) attempts") }
        if !(0...Int(Int32.max)).contains(attempts) { return ("attempts", "must not be negative") }
        if !(1...Int(Int32.max)).contains(seen) { return ("seen", "must be 1 or more") }
        if state.isSettled != (settledAt != nil) { return ("settledAt", "must be present on a settled letter and absent on an open one") }
        guard let bytes else { return ("body", "must be in the encoding that bodyEncoding names, text or base64") }
        guard (0...NewLetter.maximumBody).contains(offset) else { return ("bodyOffset", "must be from 0 to \(NewLetter.maximumBody)") }
        let end = offset + bytes.count
        if end > NewLetter.maximumBody || end > bodyBytes { return ("bodyBytes", "must be the size of the whole body, or larger if the body was truncated") }
        if source == nil { return ("original", "must be as an export wrote it") }
        return nil
    }
}
