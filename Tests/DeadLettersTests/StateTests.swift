import Testing

@testable import DeadLetters

@Suite struct StateTests {
    private static let events: [DeadLetterEvent] = [.death] + DeadLetterDecision.allCases.map(DeadLetterEvent.decision)

    /// All moves; what is missing is refused.
    private static let moves: [DeadLetterState: [DeadLetterEvent: DeadLetterState]] = [
        .open: [.death: .open, .decision(.replay): .replayed, .decision(.discard): .discarded, .decision(.restore): .open],
        .replayed: [.death: .open, .decision(.confirm): .handled],
        .handled: [.death: .open, .decision(.confirm): .handled],
        .discarded: [.death: .open, .decision(.discard): .discarded, .decision(.restore): .open],
    ]

    @Test(arguments: DeadLetterState.allCases)
    func `each event leads to the expected state, or to none`(state: DeadLetterState) {
        for event in Self.events { #expect(state.after(event) == Self.moves[state]?[event], "\(state) \(event)") }
    }

    @Test func `a message is never sent twice without having died in between`() {
        for state in DeadLetterState.allCases where state != .open { #expect(state.after(.decision(.replay)) == nil, "\(state)") }
    }

    @Test func `a decision leads to one state, wherever it is allowed`() {
        for decision in DeadLetterDecision.allCases {
            #expect(Set(DeadLetterState.allCases.compactMap { $0.after(.decision(decision)) }).count == 1, "\(decision)")
        }
    }
}
