import Secrets
import TestKit
import Testing

@Suite struct PasswordHashTests {
    /// Made by Python's `hashlib.scrypt` from "correct horse", with the salt `0123456789abcdef`.
    private let foreign = "$scrypt$ln=14,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$0LupyHkzAIgDr9UDsriAAf87vMbCbcaUfDvFOAHk0D0"

    @Test func `a hash verifies its own password and no other`() throws {
        let encoded = try PasswordHash.hash("correct horse")
        #expect(encoded.hasPrefix("$scrypt$ln=17,r=8,p=1$"), "OWASP's first choice")
        #expect(PasswordHash.verify("correct horse", against: encoded))
        #expect(!PasswordHash.verify("correct horsf", against: encoded))
        #expect(!PasswordHash.verify("", against: encoded))
    }

    @Test func `two hashes of one password differ`() throws {
        #expect(try PasswordHash.hash("same", quick) != PasswordHash.hash("same", quick))
    }

    @Test func `equivalent Unicode forms are one password, and others are not`() throws {
        let forms = ["e\u{301}\u{3000}\u{1112}\u{1161}\u{11ab}", "\u{e9} \u{d55c}", "\u{e9}\u{2003}\u{1112}\u{1161}\u{11ab}"]
        for form in forms {
            let encoded = try PasswordHash.hash(form, quick)
            for other in forms { #expect(PasswordHash.verify(other, against: encoded)) }
            // Case, width, the accent, and the blank's place are the password's own.
            for other in ["\u{c9} \u{d55c}", "e \u{d55c}", "\u{e9}\u{d55c}", "\u{ff45}\u{301} \u{d55c}"] {
                #expect(!PasswordHash.verify(other, against: encoded), "\(other)")
            }
        }
    }

    /// Made by Python's `hashlib.scrypt` from "cafe" and U+0301, as an earlier version hashed it.
    @Test func `a hash of a password as it was typed is still valid for it`() {
        let typed = "$scrypt$ln=4,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$QzAtqLWnCvgULV9qq18o519suHEwbrEj8/Xlq+Pjvf8"
        #expect(PasswordHash.verify("cafe\u{301}", against: typed))
        #expect(!PasswordHash.verify("cafe", against: typed))
    }

    @Test func `a hash of less work is outdated, and one of as much or more is not`() throws {
        let parameters = PasswordHash.Parameters(logarithm: 5, blockSize: 8, parallelism: 2)
        for (other, isOutdated) in [("ln=4,r=8,p=1", true), ("ln=5,r=8,p=1", true), ("ln=6,r=8,p=1", false), ("ln=5,r=8,p=2", false), ("ln=7,r=8,p=1", false)] {
            let encoded = "$scrypt$\(other)$MDEyMzQ1Njc4OWFiY2RlZg$AAAAAAAAAAAAAAAAAAAAAA"
            #expect(PasswordHash.isOutdated(encoded, by: parameters) == isOutdated, "\(other)")
        }
        #expect(!PasswordHash.isOutdated("no hash", by: parameters))
        #expect(PasswordHash.isOutdated(foreign))
    }

    @Test func `the placeholder hash takes as much work to verify as a real one`() throws {
        let placeholder = try PasswordHash.placeholder(quick)
        #expect(placeholder.hasPrefix("$scrypt$ln=4,r=8,p=1$"))
        #expect(try placeholder.utf8.count == PasswordHash.hash("x", quick).utf8.count)
        #expect(!PasswordHash.verify("", against: placeholder))
    }

    private let quick = PasswordHash.Parameters(logarithm: 4, blockSize: 8, parallelism: 1)

    @Test func `a hash that another implementation made verifies`() {
        #expect(PasswordHash.verify("correct horse", against: foreign))
        #expect(!PasswordHash.verify("battery staple", against: foreign))
    }

    @Test func `an empty password can be hashed and verified`() throws {
        #expect(PasswordHash.verify("", against: try PasswordHash.hash("", quick)))
    }

    @Test(arguments: [
        "", "$", "plain", "$scrypt$", "$argon2id$ln=15,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$AAAAAAAAAAAAAAAAAAAAAA",
        "$scrypt$ln=15,r=8$MDEyMzQ1Njc4OWFiY2RlZg$AAAAAAAAAAAAAAAAAAAAAA",
        "$scrypt$ln=+4,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$AAAAAAAAAAAAAAAAAAAAAA",
        "$scrypt$ln=,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$AAAAAAAAAAAAAAAAAAAAAA",
        "$scrypt$ln=15,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$",
        "$scrypt$ln=15,r=8,p=1$not base64$AAAAAAAAAAAAAAAAAAAAAA",
        "$scrypt$ln=15,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$AAAAAAAAAAAAAAAAAAAAAA$more",
    ])
    func `text that is not a hash verifies nothing`(encoded: String) {
        #expect(!PasswordHash.verify("password", against: encoded))
    }

    @Test(arguments: ["ln=63,r=8,p=1", "ln=20,r=32,p=1", "ln=18,r=8,p=1", "ln=15,r=8,p=5", "ln=15,r=999999999999,p=1", "ln=0,r=8,p=1"])
    func `a stored hash cannot demand more work than the bounds allow`(parameters: String) {
        let encoded = "$scrypt$\(parameters)$MDEyMzQ1Njc4OWFiY2RlZg$AAAAAAAAAAAAAAAAAAAAAA"
        let time = processorTime {
            #expect(!PasswordHash.verify("password", against: encoded))
        }
        #expect(time < .milliseconds(20))
    }

    @Test func `an overlong password is rejected before any work`() throws {
        let long = String(repeating: "x", count: PasswordHash.maximumPasswordBytes + 1)
        let error = #expect(throws: SecretsError.self) { try PasswordHash.hash(long) }
        #expect(error?.code == .passwordTooLong)
        #expect(!PasswordHash.verify(long, against: foreign))
    }
}
