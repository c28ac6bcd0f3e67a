import FoundationEssentials
import Secrets
import Testing

@Suite struct `UUIDs as text` {
    @Test func `any UUID is written as Foundation writes it, and read back in either case`() {
        for _ in 0..<2_000 {
            let id = UUID()
            #expect(id.upperCaseText == id.uuidString)
            #expect(id.lowerCaseText == id.uuidString.lowercased())
            #expect(UUID(text: id.upperCaseText) == id)
            #expect(UUID(text: id.lowerCaseText) == id)
            #expect(UUID(ascii: Array("\"\(id)\"".utf8)[1...UUID.textBytes]) == id)
        }
    }

    @Test func `a text with one other character is read as Foundation reads it, or rejected`() {
        let text = Array("6ba7b810-9dad-11d1-80b4-00C04FD430C8".utf8)
        for place in text.indices {
            for byte in UInt8.min...UInt8(0x7F) {
                var changed = text
                changed[place] = byte
                let other = String(decoding: changed, as: UTF8.self)
                let isHyphen = [8, 13, 18, 23].contains(place)
                let isRight = isHyphen ? byte == text[place] : Character(Unicode.Scalar(byte)).isHexDigit
                #expect(UUID(text: other) == (isRight ? UUID(uuidString: other) : nil), "\(other)")
            }
        }
    }

    @Test(arguments: [
        "", "6ba7b810-9dad-11d1-80b4-00c04fd430c", "6ba7b810-9dad-11d1-80b4-00c04fd430c8a", "6ba7b8109dad11d180b400c04fd430c8", "{6ba7b810-9dad-11d1-80b4-00c04fd430}",
        "ä\u{0}a7b810-9dad-11d1-80b4-00c04fd430c8",
    ])
    func `any other length or form is rejected`(text: String) {
        #expect(UUID(text: text) == nil)
    }
}
