import Testing

@testable import Input

@Suite struct `Entity tags` {
    @Test(arguments: [(#""a""#, true), (#""b", "a""#, true), ("*", true), (#"W/"a""#, false), (#""b""#, false), (#""b, "a"""#, false), ("", false)])
    func `a change applies to the version that If-Match names`(field: String, matches: Bool) {
        #expect(EntityTags(field).match(#""a""#) == matches)
    }

    @Test func `a weak tag is enough for a conditional read`() {
        #expect(EntityTags(#"W/"a""#).matchWeakly(#""a""#))
        #expect(EntityTags(#""a""#).matchWeakly(#"W/"a""#))
    }
}
