import JSON
import Terminal
import Testing

@testable import wharf

@Suite struct ImportDisplayTests {
    private func progress(_ state: String, _ bytesRead: Int, _ rows: Int, rejected: Int = 0, failure: String? = nil) throws -> ImportProgress {
        let text = """
            {"id": "7c9e6679-7425-40de-944b-e07fc1f90ae7", "state": "\(state)", "kind": "products", "dryRun": false, "bytes": 1000, "bytesRead": \(bytesRead),
             "rows": \(rows), "accepted": \(rows), "changed": 1, "rejectedRows": \(rejected), "startedAt": "2026-01-15T09:30:00.000Z"\(failure.map { ", \"failure\": \"\($0)\"" } ?? "")}
            """
        return try JSON.decode(from: Array(text.utf8))
    }

    @Test func `in a pipe each change is a line, and unchanged progress is not printed`() throws {
        var display = ImportDisplay(terminal: Terminal(isLive: false, isColoured: false))
        let start = ContinuousClock.now
        #expect(display.text(try progress("running", 250, 10), at: start) == "25 %, 10 rows accepted, 1 changed, 0 rejected\n")
        #expect(display.text(try progress("running", 250, 10), at: start + .seconds(1)) == "")
        #expect(display.text(try progress("running", 500, 30), at: start + .seconds(2)) == "50 %, 30 rows accepted, 1 changed, 0 rejected, 10 rows/s\n")
        #expect(display.text(try progress("done", 1_000, 40), at: start + .seconds(3)) == "done: 40 rows accepted, 1 changed, 0 rejected\n")
    }

    @Test func `the end of an import with rejected rows says how to print the reasons`() throws {
        var display = ImportDisplay(terminal: Terminal(isLive: false, isColoured: false))
        let end = display.text(try progress("done", 1_000, 1, rejected: 2), at: .now)
        #expect(end == "done: 1 row accepted, 1 changed, 2 rejected; `wharf imports rejected 7c9e6679-7425-40de-944b-e07fc1f90ae7` prints the reasons\n")
    }

    @Test func `on a terminal the bar is redrawn in place, and stays at the end`() throws {
        var display = ImportDisplay(terminal: Terminal(isLive: true, isColoured: false))
        let half = display.text(try progress("running", 500, 10), at: .now)
        #expect(half.hasPrefix("\r\u{1B}[K") && half.count { $0 == "█" } == 15 && half.count { $0 == "░" } == 15 && !half.hasSuffix("\n"))
        let end = display.text(try progress("failed", 500, 10, failure: "the header lacks the column 'sku'"), at: .now)
        #expect(end.hasPrefix("\r\u{1B}[K") && end.contains("failed: the header lacks the column 'sku'") && end.hasSuffix("\n"))
    }

    @Test func `an empty file has been read as a whole`() throws {
        let text = """
            {"id": "x", "state": "failed", "kind": "stock", "dryRun": true, "bytes": 0, "bytesRead": 0, "rows": 0, "accepted": 0, "changed": 0, "rejectedRows": 0, "startedAt": ""}
            """
        let empty: ImportProgress = try JSON.decode(from: Array(text.utf8))
        #expect(empty.percent == 100 && empty.counts.hasSuffix("(dry run)"))
        #expect(ImportProgress.table([], Terminal(isLive: false, isColoured: false).paint) == "There are no imports.")
    }
}
