import Testing

@testable import Input

@Suite struct `Entity tags` {
    @Test(arguments: [(#""a""#, true), (#""b", "a""#, true), ("*", true), (#"W/"a""#, false), (#""b""#, false), (#""b, "a"""#, false), ("", false)])
    func `a change is made from what If-Match names`(field: String, matches: Bool) {
        #expect(EntityTags(field).match(#""a""#) == matches)
    }

    @Test func `a weak tag will do to say that nothing has changed`() {
        #expect(EntityTags(#"W/"a""#).matchWeakly(#""a""#))
        #expect(EntityTags(#""a""#).matchWeakly(#"W/"a""#))
    }
}
