"""LangChain's Whisper parser: prints the text of a WAV file. Arguments: base URL, path."""

import sys

import imageio_ffmpeg
from langchain_community.document_loaders.parsers.audio import OpenAIWhisperParser
from langchain_core.documents.base import Blob
from pydub import AudioSegment

AudioSegment.converter = imageio_ffmpeg.get_ffmpeg_exe()
parser = OpenAIWhisperParser(api_key="unused", base_url=sys.argv[1])
documents = list(parser.lazy_parse(Blob.from_path(sys.argv[2])))
print("TEXT:", " ".join(document.page_content for document in documents))
