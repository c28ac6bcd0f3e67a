import Contracts
import FoundationEssentials
import Input
import Messaging
import Secrets

struct StartJob: Sendable {
    /// Without its actor.
    let order: @Sendable (_ startedBy: String) -> JobOrder
    let dryRun: Bool

    static func read(_ request: Request) throws -> StartJob {
        try Fields.read(request) { fields in
            let action = DeadLetterDecision(rawValue: fields.choice("action", ["replay", "discard", "restore"])) ?? .replay
            let filter = fields.letters("filter", for: action)
            let rates = fields.optionalJSON("rates", [Int].self, named: "a list of integers")
            if let rates, !(1...JobOrder.maximumRates).contains(rates.count) || !rates.allSatisfy((1...JobOrder.maximumRate).contains) {
                fields.note("rates", "must be 1 to \(JobOrder.maximumRates) integers from 1 to \(JobOrder.maximumRate)")
            }
            let stopShare = fields.optionalJSON("stopShare", Double.self, named: "a number")
            if let stopShare, !(0...1).contains(stopShare) { fields.note("stopShare", "must be from 0 to 1") }
            if action != .replay {
                for field in ["rates", "stopShare", "pastMemory", "reconcile"] where fields.has(field) { fields.note(field, "applies only to a replay") }
            }
            let (pastMemory, reconcile) = (fields.optionalBoolean("pastMemory") ?? false, fields.optionalBoolean("reconcile") ?? false)
            return StartJob(
                order: {
                    JobOrder(
                        action: action, filter: filter, rates: rates ?? JobOrder.standardRates, stopShare: stopShare ?? JobOrder.standardStopShare,
                        pastMemory: pastMemory, reconcile: reconcile, startedBy: $0)
                }, dryRun: fields.optionalBoolean("dryRun") ?? false)
        }
    }
}

extension JobOrder {
    /// Throws the `Problem` of a parameter that the list of letters does not accept.
    func letters() throws -> DeadLetterFilter { try Self.filter(filter, for: action) }

    /// The letters that the list shows with these parameters, in the state that the action is for.
    fileprivate static func filter(_ parameters: [String: String], for action: DeadLetterDecision) throws -> DeadLetterFilter {
        let parameters = parameters.merging(["state": action.selects.rawValue]) { $1 }
        return try ListLetters.read(Request(id: .zero, operation: "deadletters.letters.list", parameters: parameters)).filter
    }
}

extension Fields {
    private static let maximumMembers = 20

    /// A filter: an object of texts with the names of the list's parameters, in the state that the action is for. Without members it selects all letters of that state.
    /// A member without effect is an error, because the job would act on more letters than intended.
    fileprivate mutating func letters(_ field: String, for action: DeadLetterDecision) -> [String: String] {
        guard let members = optionalJSON(field, [String: String].self, named: "an object of texts") else {
            if !errors.contains(where: { $0.field == field }) { note(field, "is required; {} selects all letters") }
            return [:]
        }
        if members.count > Self.maximumMembers { note(field, "must have at most \(Self.maximumMembers) members") }
        if let state = members["state"], state != action.selects.rawValue { note("\(field).state", "must be \(action.selects.rawValue)") }
        do {
            let whole = try JobOrder.filter(members, for: action)
            for name in members.keys.sorted() where name != "state" {
                let without = try JobOrder.filter(members.filter { $0.key != name }, for: action)
                if without == whole { note("\(field).\(String(name.prefix(60)))", "is not a member of a filter") }
            }
        } catch let problem as Problem {
            for error in problem.errors ?? [] { note("\(field).\(error.field)", error.detail) }
        } catch {
            note(field, "is not a filter")
        }
        return members
    }
}

struct OneJob: Sendable {
    let id: UUID

    static func read(_ request: Request) throws -> OneJob {
        try Fields.read(request) { OneJob(id: try $0.uuidParameter("id", of: "job")) }
    }
}

struct ListJobs: Sendable {
    let state: JobCourse.State?
    let page: PageRequest
    let after: (Date, UUID)?

    static func read(_ request: Request) throws -> ListJobs {
        try Fields.read(request) { fields in
            let state = JobCourse.State(rawValue: fields.choiceParameter("state", JobCourse.State.allCases.map(\.rawValue) + ["all"], default: "all"))
            let page = fields.page()
            return ListJobs(state: state, page: page, after: fields.position(page))
        }
    }
}
