import Contracts
import FoundationEssentials
import JSON
import Messaging
import Operator
import Terminal

/// Starts a job on all letters that a filter selects, after a preview.
enum JobStart {
    /// The maximum number of causes shown, the most frequent first.
    private static let maximumCauses = 20

    static let routes = [Route(.get, "jobs/new", .jobs, preview), Route(.post, "jobs", .jobs, start)]

    private static func preview(_ visit: Visit) async throws -> Outcome {
        let (decision, filter) = try selection(visit.query, visit.now)
        let reply = try await visit.services.act(.startJob, [:], try order(decision, filter, ["dryRun": true]))
        return .page(confirmation(decision, filter, try JSON.decode(JobPreview.self, from: reply.body)).page(visit.page))
    }

    private static func start(_ visit: Visit) async throws -> Outcome {
        let (decision, filter) = try selection(visit.form, visit.now)
        var options: [String: JSONValue] = [:]
        if decision == .replay {
            if let text = visit.form["rates"] {
                let rates = text.split(separator: ",").map { Int($0.filter { !$0.isWhitespace }) }
                guard !rates.contains(nil) else { throw InvalidForm("The rates must be integers separated by commas, such as 1, 5, 50.") }
                options["rates"] = .array(rates.compactMap { $0.map { .integer($0) } })
            }
            if let text = visit.form["stopShare"] {
                guard let percent = Double(text), (0...100).contains(percent) else { throw InvalidForm("The share must be a percentage from 0 to 100.") }
                options["stopShare"] = .number(percent / 100)
            }
            for name in ["pastMemory", "reconcile"] where visit.form[name] == "true" { options[name] = true }
        }
        struct Started: Decodable { let id: String }
        let reply = try await visit.services.act(.startJob, [:], try order(decision, filter, options))
        return .redirect(Link.to("jobs", try JSON.decode(Started.self, from: reply.body).id))
    }

    /// Converts ages to times, so that the job acts on the letters of its preview.
    private static func selection(_ form: Form, _ now: Date) throws -> (LetterDecision, [String: String]) {
        guard let decision = form["action"].flatMap(LetterDecision.init) else { throw InvalidForm("The action must be replay, discard or restore.") }
        return (decision, LetterSelection(form).parameters(at: now))
    }

    private static func order(_ decision: LetterDecision, _ filter: [String: String], _ options: [String: JSONValue]) throws -> [UInt8] {
        var members = options
        members["action"] = .string(decision.rawValue)
        members["filter"] = .object(filter.mapValues { .string($0) })
        return try JSON.encode(members)
    }

    static func confirmation(_ decision: LetterDecision, _ filter: [String: String], _ preview: JobPreview) -> Confirmation {
        let rows = preview.byCause.prefix(maximumCauses).map { ["\($0.cause.printable)", $0.queue.map(Part.code) ?? "–", "\($0.count)"] as [Markup] }
        let rest = preview.byCause.count > maximumCauses ? Part.empty("And \(preview.byCause.count - maximumCauses) more causes.") : .nothing
        let causes = rows.isEmpty ? Part.empty("No letter matches, so there is nothing to do.") : Table("Causes", [.init("Cause"), .init("Queue"), .init("Letters", .number)], rows).markup
        let text: Markup =
            switch decision {
            case .replay: "<p>A replay starts slowly, speeds up, and stops by itself when too many letters die again. Letters that die after the start are not included.</p>"
            case .discard: "<p>The letters are kept and can be restored.</p>"
            case .restore: "<p>The letters are open again, so they can be replayed.</p>"
            }
        let selects = LetterSelection(Form(filter))
        let bound = preview.atLeast == true ? "at least " : ""
        return Confirmation(
            title: "\(decision.title) \(bound)\(preview.selected) letters?", section: .jobs,
            effect: Part.facts([("Selects", "\(selects.phrase)"), ("Letters", "\(bound)\(preview.selected)"), ("Orders", "\(bound)\(preview.orders)")]) + causes + rest + text,
            action: Link.to("jobs"), button: "\(decision.title) all", tone: decision == .discard ? .bad : .accent,
            back: Link.to("letters", query: filter), fields: Field.hidden(filter.merging(["action": decision.rawValue]) { $1 }) + options(decision))
    }

    private static func options(_ decision: LetterDecision) -> Markup {
        guard decision == .replay else { return .nothing }
        return Field.text("Rates, in letters a second", "rates", "1, 5, 50") + Field.text("Stops when this percentage dies again", "stopShare", "20")
            + Field.check("Include letters older than the services' memory of 7 days. A message that was handled before it died is handled a second time.", "pastMemory", false)
            + Field.check("Include charges older than 20 hours. Payments looks for each payment at the gateway before it charges.", "reconcile", false)
    }
}

/// A form with an invalid value.
struct InvalidForm: Error {
    let detail: String

    init(_ detail: String) {
        self.detail = detail
    }
}
