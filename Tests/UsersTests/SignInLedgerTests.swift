import FoundationEssentials
import Messaging
import Testing

@testable import Users

@Suite struct SignInLedgerTests {
    private let start = Date(timeIntervalSince1970: 1_780_000_000)

    private func attempt(_ number: Int, account: String = "ada@example.com", from address: String? = "192.0.2.1") -> SignInAttempt {
        let request = Request(
            id: UUID(), operation: "users.sessions.create", parameters: address.map { [Request.clientAddress: $0] } ?? [:],
            requester: Requester(replyTo: "replies.test", correlationID: "\(number)"))
        return SignInAttempt(request, emailKey: account)
    }

    @Test func `failures are forgotten one by one when their time is over`() {
        var ledger = SignInLedger()
        for number in 0..<SignInLimits.pair {
            let at = start.addingTimeInterval(Double(number))
            #expect(ledger.admit(attempt(number), at: at) == .admitted)
            ledger.settle(attempt(number), isRight: false, at: at)
        }
        #expect(ledger.admit(attempt(100), at: start.addingTimeInterval(10)) == .refused(retryAfter: 890))
        #expect(ledger.admit(attempt(101), at: start.addingTimeInterval(899)) == .refused(retryAfter: 1))
        #expect(ledger.admit(attempt(102), at: start.addingTimeInterval(900)) == .admitted)
        #expect(ledger.admit(attempt(103), at: start.addingTimeInterval(900)) == .busy)
    }

    @Test func `places of a worker that has died are released`() {
        var ledger = SignInLedger()
        for number in 0..<SignInLimits.pair { #expect(ledger.admit(attempt(number), at: start) == .admitted) }
        #expect(ledger.admit(attempt(100), at: start) == .busy)
        #expect(ledger.admit(attempt(3), at: start) == .admitted, "the same attempt, delivered again")
        #expect(ledger.admit(attempt(100), at: start.addingTimeInterval(Double(SignInLimits.holdSeconds))) == .admitted)
    }

    @Test func `an attempt that was not verified releases its place`() {
        var ledger = SignInLedger()
        for number in 0..<SignInLimits.pair {
            #expect(ledger.admit(attempt(number), at: start) == .admitted)
            ledger.settle(attempt(number), isRight: nil, at: start)
        }
        #expect(ledger.admit(attempt(100), at: start) == .admitted)
    }

    @Test func `the remembered attempts are bounded`() {
        var ledger = SignInLedger()
        for number in 0..<(SignInLedger.maximumKeys + 100) {
            let attempt = attempt(number, account: "\(number)", from: nil)
            #expect(ledger.admit(attempt, at: start.addingTimeInterval(Double(number) / 1_000)) == .admitted)
            ledger.settle(attempt, isRight: number.isMultiple(of: 2), at: start.addingTimeInterval(Double(number) / 1_000))
        }
        #expect(ledger.keyCount <= SignInLedger.maximumKeys)
    }
}
