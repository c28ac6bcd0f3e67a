import Contracts

// Formats for origins and networks of browsers and proxies.

extension SettingFormat where Value == Set<WebOrigin> {
    static let origins = SettingFormat(
        accepted: "origins as browsers send them, separated by commas, as in https://shop.example.com,http://localhost:3000"
    ) { text in
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        let origins = parts.compactMap { WebOrigin($0) }
        return origins.count == parts.count ? Set(origins) : nil
    }
}

extension SettingFormat where Value == [Network] {
    static let networks = SettingFormat(
        accepted: "addresses or networks, separated by commas, as in 10.0.0.0/8,2001:db8::1; no bit beyond the prefix may be set"
    ) { text in
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        let networks = parts.compactMap { Network($0) }
        return networks.count == parts.count ? networks : nil
    }
}
