import FoundationEssentials
import Testing

@testable import Load
@testable import Terminal

struct LoadReportTests {
    private let plain = Paint(isColoured: false)

    @Test("Percentiles are values that occurred, by nearest rank")
    func percentiles() {
        let hundred = LoadReport.Times((1...100).shuffled().map { .seconds($0) })
        #expect(hundred?.p50 == 50)
        #expect(hundred?.p99 == 99)
        #expect(hundred?.longest == 100)
        let one = LoadReport.Times([.milliseconds(7)])
        #expect(one?.p50 == 0.007 && one?.p99 == 0.007)
        #expect(LoadReport.Times([]) == nil)
    }

    @Test("A run that ended early reports what is known and is not good")
    func early() {
        var tally = Tally()
        tally.retry("503")
        let report = LoadReport(asked: 5, clients: 2, tally: tally, sharesClock: true, checks: nil)
        #expect(!report.isGood)
        let text = report.text(plain)
        #expect(text.contains("5 by 2 clients: 0 accepted"))
        #expect(text.contains("1 503"))
        #expect(text.contains("ended early"))
    }

    @Test("A check that fails names its culprits and the verdict")
    func verdict() {
        let checks = [Check("no order lost", "1 of 2", culprits: ["order 4711"]), Check("no order doubled", "0")]
        let report = LoadReport(asked: 2, clients: 1, tally: Tally(), sharesClock: false, checks: checks)
        let lines = report.text(plain).split(separator: "\n").map(String.init)
        #expect(!report.isGood)
        #expect(lines.contains { $0.hasPrefix("  ✗ no order lost") && $0.hasSuffix("1 of 2") })
        #expect(lines.contains("      order 4711"))
        #expect(lines.contains { $0.hasPrefix("  ✓ no order doubled") })
        #expect(lines.last == "It does not add up.")
        #expect(LoadReport(asked: 2, clients: 1, tally: Tally(), sharesClock: false, checks: [checks[1]]).isGood)
    }

    @Test(
        "No line of the progress is wider than the narrowest terminal",
        arguments: [Scoreboard.Phase.connecting, .catalogue, .carts, .orders, .audit])
    func widths(_ phase: Scoreboard.Phase) {
        var tally = Tally()
        for _ in 0..<9_999 { tally.retry("not reached") }
        let size = LoadLayout.Size(goods: 10_000, orders: 1_000_000)
        for line in LoadLayout.frame(tally, phase, size, now: Date(), paint: plain) { #expect(line.count <= 60, "\(line)") }
    }

    @Test("A line without a terminal is one line")
    func line() {
        let size = LoadLayout.Size(goods: 4, orders: 8)
        #expect(LoadLayout.line(Tally(), .catalogue, size, now: Date()) == "catalogue: 0 of 4")
        #expect(LoadLayout.line(Tally(), .orders, size, now: Date()).hasPrefix("orders: 0 of 8 settled (0 accepted"))
        #expect(!LoadLayout.line(Tally(), .orders, size, now: Date()).contains("\n"))
    }
}
