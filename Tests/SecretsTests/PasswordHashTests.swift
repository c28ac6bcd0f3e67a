import Secrets
import TestKit
import Testing

@Suite struct PasswordHashTests {
    /// Made by Python's `hashlib.scrypt` from "correct horse", with the salt `0123456789abcdef`.
    private let foreign = "$scrypt$ln=14,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$0LupyHkzAIgDr9UDsriAAf87vMbCbcaUfDvFOAHk0D0"

    @Test func `a hash verifies its own password and no other`() throws {
        let encoded = try PasswordHash.hash("correct horse")
        #expect(encoded.hasPrefix("$scrypt$ln=15,r=8,p=1$"))
        #expect(PasswordHash.verify("correct horse", against: encoded))
        #expect(!PasswordHash.verify("correct horsf", against: encoded))
        #expect(!PasswordHash.verify("", against: encoded))
    }

    @Test func `two hashes of one password differ`() throws {
        #expect(try PasswordHash.hash("same") != PasswordHash.hash("same"))
    }

    @Test func `a hash that another implementation made verifies`() {
        #expect(PasswordHash.verify("correct horse", against: foreign))
        #expect(!PasswordHash.verify("battery staple", against: foreign))
    }

    @Test func `an empty password can be hashed and verified`() throws {
        #expect(PasswordHash.verify("", against: try PasswordHash.hash("")))
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
    func `what is no hash verifies nothing`(encoded: String) {
        #expect(!PasswordHash.verify("password", against: encoded))
    }

    @Test(arguments: ["ln=63,r=8,p=1", "ln=20,r=32,p=1", "ln=18,r=8,p=1", "ln=15,r=8,p=5", "ln=15,r=999999999999,p=1", "ln=0,r=8,p=1"])
    func `a stored hash cannot ask for more work than the bounds allow`(parameters: String) {
        let encoded = "$scrypt$\(parameters)$MDEyMzQ1Njc4OWFiY2RlZg$AAAAAAAAAAAAAAAAAAAAAA"
        let time = processorTime {
            #expect(!PasswordHash.verify("password", against: encoded))
        }
        #expect(time < .milliseconds(20))
    }

    @Test func `an overlong password is refused before any work`() throws {
        let long = String(repeating: "x", count: PasswordHash.maximumPasswordBytes + 1)
        let error = #expect(throws: SecretsError.self) { try PasswordHash.hash(long) }
        #expect(error?.code == .passwordTooLong)
        #expect(!PasswordHash.verify(long, against: foreign))
    }
}
