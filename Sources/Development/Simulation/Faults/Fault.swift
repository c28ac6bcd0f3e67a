import Synchronization

/// What can go wrong by chance at one call. The probabilities are those of an ordinary run; each seed makes some of them rare and others frequent, as a
/// fault that always occurs hides those that come after it.
public enum Fault: String, Sendable, CaseIterable {
    case crash
    case publicationLost, queueFull, unroutable, consumerLost
    case statementLost, statementSlow, serializationFailure, commitUnknown
    case gatewayUnreachable, gatewayFails, answerDropped, chargeLate, searchLags
    case webhookTwice, webhookLate
    case mailFails

    var probability: Double {
        switch self {
        case .crash: 0.003
        case .publicationLost, .consumerLost: 0.01
        case .queueFull, .unroutable: 0.003
        case .statementLost: 0.004
        case .statementSlow: 0.03
        case .serializationFailure: 0.006
        case .commitUnknown: 0.02
        case .gatewayUnreachable, .gatewayFails: 0.05
        case .answerDropped, .chargeLate: 0.06
        case .searchLags, .webhookTwice, .webhookLate: 0.2
        case .mailFails: 0.1
        }
    }
}

/// Decides what goes wrong, until faults are switched off.
final class Faults: Sendable {
    private struct State {
        var isOn: Bool
        var crashPoints = 0
    }

    private let state: Mutex<State>
    private let rates: [Fault: Double]
    /// Crash at this point, with no other faults.
    private let crashAt: Int?
    let chance: Chance
    let trace: Trace

    init(seed: UInt64, isOn: Bool = true, crashAt: Int? = nil, trace: Trace) {
        chance = Chance(seed: seed, stream: "faults")
        var rates: [Fault: Double] = [:]
        if crashAt == nil {
            for fault in Fault.allCases { rates[fault] = fault.probability * chance.pick([0, 0.5, 1, 1, 3]) }
        }
        self.rates = rates
        self.crashAt = crashAt
        self.trace = trace
        state = Mutex(State(isOn: isOn))
    }

    var isOn: Bool { state.withLock { $0.isOn } }

    /// How many points at which a worker could crash have been passed.
    var crashPoints: Int { state.withLock { $0.crashPoints } }

    func end() {
        state.withLock { $0.isOn = false }
    }

    func strikes(_ fault: Fault) -> Bool {
        guard isOn, chance.happens(rates[fault] ?? 0) else { return false }
        trace.note("fault: \(fault.rawValue)")
        return true
    }

    func crashes(weight: Double) -> Bool {
        let (number, isOn) = state.withLock { state in
            state.crashPoints += 1
            return (state.crashPoints, state.isOn)
        }
        if let crashAt { return number == crashAt }
        return isOn && chance.happens((rates[.crash] ?? 0) * weight)
    }
}
