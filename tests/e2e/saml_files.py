"""Metadata of identity providers that tests upload."""

from certificate_files import certificate, rsa_key

METADATA = """<?xml version="1.0" encoding="UTF-8"?>
<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{entity}"{attributes}>
  <IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
    <KeyDescriptor use="signing">
      <KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#">
        <X509Data>
          <X509Certificate>{certificate}</X509Certificate>
        </X509Data>
      </KeyInfo>
    </KeyDescriptor>
    <NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:transient</NameIDFormat>
    <SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
      Location="https://idp.example/sso"/>
  </IDPSSODescriptor>
</EntityDescriptor>
"""


def body(pem):
    """What stands between the marks of a PEM."""
    return "".join(line for line in pem.splitlines() if not line.startswith("-----"))


def metadata(entity="https://idp.example", attributes="", key=None):
    """Metadata of an identity provider with a certificate of its own."""
    pem = certificate(key or rsa_key())
    return METADATA.format(entity=entity, attributes=attributes, certificate=body(pem))
