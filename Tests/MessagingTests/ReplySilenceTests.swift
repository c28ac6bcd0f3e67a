import FoundationEssentials
import Testing

@testable import Messaging

@Suite struct `Requests that nobody answers` {
    private let start = Date(timeIntervalSince1970: 1_000)

    private func silence(_ timeouts: [Double]) -> ReplySilence {
        timeouts.reduce(into: ReplySilence()) { $0.timedOut(sentAt: start.addingTimeInterval($1 - 5), at: start.addingTimeInterval($1)) }
    }

    @Test func `three of them over ten seconds are reported, with how many and how long`() {
        #expect(silence([5, 9]).trouble(at: start.addingTimeInterval(60)) == nil)
        #expect(silence([5, 6, 9.9]).trouble(at: start.addingTimeInterval(10)) == nil, "too short")
        #expect(
            silence([5, 6, 12]).trouble(at: start.addingTimeInterval(12))
                == "no reply has arrived for 12 s, in which 3 requests went unanswered")
    }

    @Test func `any reply ends it`() {
        var silence = silence([5, 6, 12])
        silence.replied()
        #expect(silence == ReplySilence())
        #expect(silence.trouble(at: start.addingTimeInterval(13)) == nil)
    }

    @Test func `after a minute without requests nothing is reported, and earlier requests no longer count`() {
        var silence = silence([5, 6, 12])
        #expect(silence.trouble(at: start.addingTimeInterval(73)) == nil)
        silence.timedOut(sentAt: start.addingTimeInterval(75), at: start.addingTimeInterval(80))
        #expect(silence.trouble(at: start.addingTimeInterval(80)) == nil)
    }
}
