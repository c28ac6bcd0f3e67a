import Secrets
import Synchronization
import Testing

@testable import Assembly

@Suite struct CredentialsKeysTests {
    @Test func `the key follows the password, and the two before it stay`() {
        let password = Mutex<String?>("first")
        let keys = CredentialsKeys { password.withLock { $0 } }
        let first = keys.all()
        #expect(first.count == 1 && keys.all() == first)
        password.withLock { $0 = "second" }
        let second = keys.all()
        #expect(second.count == 2 && second.last == first.first && second.first != first.first)
        // A password that cannot be read changes nothing.
        password.withLock { $0 = nil }
        #expect(keys.all() == second)
        password.withLock { $0 = "third" }
        let third = keys.all()
        #expect(third.count == 3 && third.dropFirst() == second[...])
        password.withLock { $0 = "fourth" }
        #expect(keys.all().dropFirst() == third.prefix(2))
    }

    @Test func `every process with the same password has the same key`() {
        #expect(CredentialsKeys { "one" }.all() == CredentialsKeys { "one" }.all())
        #expect(CredentialsKeys { "one" }.all() != CredentialsKeys { "two" }.all())
    }
}
