import Testing

@testable import LocalServers

@Suite struct LineSplitterTests {
    @Test func `lines are whole however the bytes arrive`() {
        var splitter = LineSplitter()
        #expect(splitter.lines(adding: Array("one\ntw".utf8)) == ["one"])
        #expect(splitter.lines(adding: Array("o\r\n\nthree".utf8)) == ["two", ""])
        #expect(splitter.last() == "three")
        #expect(splitter.last() == nil)
    }

    @Test func `a line without an end is cut at the bound`() {
        var splitter = LineSplitter()
        let bytes = [UInt8](repeating: UInt8(ascii: "x"), count: LineSplitter.maximumLineBytes + 1)
        #expect(splitter.lines(adding: bytes).map(\.count) == [LineSplitter.maximumLineBytes])
        #expect(splitter.last() == "x")
    }
}
